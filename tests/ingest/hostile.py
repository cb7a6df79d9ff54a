"""Source folders that hold anything whatever, and the promises that an ingest keeps all the same."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import strategies as st

from expectations import validation
from nightschool.columns import INTERACTIONS, ITEMS, QUARANTINE, SOURCE_FILE, SOURCE_ROW, SOURCES, TABLE, USERS
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.id_types import infer_id_dtypes
from nightschool.errors import NightschoolError
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from nightschool.storage.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("user", "item", "rating", "at", "seconds", "liked")
MANY = pytest.param(40, marks=pytest.mark.slow, id="many")
"""How many examples the slow form of a property test tries."""

Record = tuple[Any, ...]
"""The values of one row, in the order of COLUMNS."""

LOG = {
    "user": "user",
    "item": "item",
    "rating": {"column": "rating", "min": 1, "max": 5},
    "timestamp": {"column": "at", "unit": "iso"},
    "duration": "seconds",
    "liked": "liked",
}
PAIRS = {"adjacency": {"user": "user", "item": "item"}, "csr": {"user": "row", "item": "column"}}
"""What the kinds say that hold pairs alone."""


class Trial:
    """A source folder with one file, and the home that it goes into, judged anew at every ingest."""

    def __init__(self, root: Path, file: str, form: dict[str, Any]) -> None:
        self.source = root / "source"
        self.source.mkdir(parents=True)
        self.file = self.source / file
        pairs = PAIRS.get(form["kind"])
        files = {} if form["kind"] == "sql" else {"files": [file]}
        log = {**files, "format": form, **(pairs or LOG)}
        score = "implicit" if pairs else "rating"
        self.manifest = Manifest.model_validate({"name": "x", "score": score, "interactions": log})
        self._folder = root / "lake"
        self._lake: Lake | None = None

    @property
    def lake(self) -> Lake:
        """The home's tables, with ids of the dtype that the first ingest found."""
        if self._lake is None or not self._folder.exists():
            self._lake = Lake(self._folder, *infer_id_dtypes(self.manifest, self.source))
        return self._lake

    def ingest(self) -> dict[str, Any] | None:
        """The counts of the interactions, or None where the batch was refused; checks what holds either way."""
        before = self._state()
        counts, refusal = self._try()
        if refusal is not None:
            assert refusal.exit_code in {2, 3, 5}, refusal
            assert len(str(refusal).splitlines()) == 1, refusal
            assert self._state() == before
            return None
        if counts.get("set_aside"):
            assert counts["rows_in"] == 0
            return None
        assert counts["rows_in"] == counts["already_known"] + counts["accepted"] + counts["quarantined"]
        assert counts["quarantined"] == sum(counts["reasons"].values())
        places = self._places()
        assert len(places) == len(set(places))
        assert len(places) >= counts["accepted"] + counts["quarantined"]
        return counts

    def _try(self) -> tuple[dict[str, Any], NightschoolError | None]:
        try:
            ledger = Ledger(self.lake, NOW)
            report = ingest(IngestContext(self.manifest, self.source, self.lake, ledger, validation, NOW, NOW))
        except NightschoolError as refusal:
            return {}, refusal
        return report.to_dict()["interactions"], None

    def settled(self) -> dict[str, Any] | None:
        """The counts of an ingest, after which another one added nothing."""
        counts = self.ingest()
        if counts is not None:
            before = self._state()
            again = self.ingest()
            assert again is not None
            assert (again["already_known"], again["accepted"], again["quarantined"]) == (counts["rows_in"], 0, 0)
            assert self._state() == before
        return counts

    def _state(self) -> tuple[dict[str, int | None], list[Path]]:
        """The version of every table, and every file below the lake."""
        tables = (USERS, ITEMS, INTERACTIONS, QUARANTINE, SOURCES)
        lake = self._lake or Lake(self._folder, pl.Int64(), pl.Int64())
        return {table.name: lake.version(table) for table in tables}, sorted(self._folder.rglob("*"))

    def _places(self) -> list[int]:
        """Where the rows of both tables stood."""
        accepted = self.lake.scan(INTERACTIONS).select(SOURCE_FILE, SOURCE_ROW)
        rejected = self.lake.scan(QUARANTINE).filter(pl.col(TABLE) == INTERACTIONS.name).select(SOURCE_FILE, SOURCE_ROW)
        rows = pl.concat([accepted, rejected]).collect()
        assert rows[SOURCE_FILE].n_unique() <= 1
        return rows[SOURCE_ROW].sort().to_list()


# Values

HOSTILE = (
    *("", " ", "NULL", "NaN", "-inf", "Infinity", "1e309", "1e3", "007", "+1", "1_000", "１２", "1,5", "9" * 20),
    *("=cmd|' /C calc'!A0", "@x", "-1", "'; DROP TABLE users; --", "../../etc/passwd", "C:\\x", "{}", "[1,2]", "${x}"),
    *("\x00", "\x1b[2J", "\x7f", "\u202eabc", "\ufeff1", "\u2028", "שלום", "👩‍👩‍👧", "a\tb", "a;b", "a|b", "a::b"),
    *('"', '""', '"a', 'a"b', "a\nb", "a\r\nb", "\r", "\\", "\\N", "#", "x" * 600, "1" * 10_000),
    *(
        "2024-02-30",
        "10000-01-01",
        "-0001-01-01",
        "1970-01-01",
        "1735725600000",
        "2999-01-01",
        "2025-01-05T10:00+02:00",
    ),
    *("true", "maybe", "-3", "1.5", "5.0000001", "0", "1e400"),
)
GOOD: st.SearchStrategy[Record] = st.tuples(
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(["1", "2", "30"]),
    st.sampled_from(["1", "2.5", "5"]),
    st.sampled_from(["", "2025-01-01", "2025-03-01T10:00:00Z", "2025-03-01 10:00:00.5+02:00"]),
    st.sampled_from(["", "0", "61.5"]),
    st.sampled_from(["", "true", "No", "1"]),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
ANY_TEXT = st.sampled_from(HOSTILE) | TEXT
SPOILT: st.SearchStrategy[Record] = st.tuples(GOOD, st.integers(0, len(COLUMNS) - 1), ANY_TEXT).map(
    lambda drawn: (*drawn[0][: drawn[1]], drawn[2], *drawn[0][drawn[1] + 1 :])
)
WILD: st.SearchStrategy[Record] = st.tuples(*[ANY_TEXT] * len(COLUMNS))
RECORDS = st.lists(GOOD | GOOD | GOOD | SPOILT | WILD, min_size=1, max_size=14)

SCALAR = ANY_TEXT | st.integers(-(2**70), 2**70) | st.floats() | st.booleans() | st.none()
JSON_VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2))
JSON_RECORDS: st.SearchStrategy[list[Record]] = st.lists(
    GOOD | GOOD | GOOD | st.tuples(*[JSON_VALUE] * len(COLUMNS)), min_size=1, max_size=9
)


# How rows are written


def as_csv(records: Sequence[Record], separator: str) -> bytes:
    """Every record as one row, quoted where it must be."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(records)
    return text.getvalue().encode()


def as_lines(records: Sequence[Record], separator: str) -> bytes:
    """Fields between separators and nothing quoted: what stands in a field may break its row."""
    return "".join(f"{separator.join(record)}\n" for record in records).encode()


def as_jsonl(records: Sequence[Record]) -> bytes:
    """One object a line."""
    return "".join(f"{json.dumps(dict(zip(COLUMNS, record, strict=True)))}\n" for record in records).encode()


def as_adjacency(records: Sequence[Record]) -> bytes:
    """A user and two items a line."""
    return "".join(f"{user} {first} {second}\n" for user, first, second, *_ in records).encode()


def as_parquet(records: Sequence[Record]) -> bytes:
    """A whole file; its columns are text."""
    file = io.BytesIO()
    pl.DataFrame(list(records), schema=dict.fromkeys(COLUMNS, pl.String), orient="row").write_parquet(file)
    return file.getvalue()


Writer = Callable[[Sequence[Record]], bytes]
