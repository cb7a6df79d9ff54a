"""Whatever rows a source holds: each is taken in or put aside once, or the batch is refused and nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import column, dataframes

from nightschool.columns import INTERACTIONS, ITEM_ID, SOURCE_ROW, USER_ID
from nightschool.data.normalization.missing import BLANKS
from tests.ingest import hostile
from tests.ingest.hostile import COLUMNS, GOOD, MANY, RECORDS, Record, Trial, Writer

SETTINGS = partial(settings, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@dataclass(frozen=True)
class Kind:
    """How a file is written.

    Attributes:
        exact: Whether every record is one row, whatever its values.
        grows: Whether rows may be appended.
        records: What is written.
    """

    file: str
    write: Writer
    form: dict[str, Any] = field(default_factory=lambda: {"kind": "csv"})
    exact: bool = True
    grows: bool = True
    header: str = ""
    records: st.SearchStrategy[list[Record]] = RECORDS

    def bytes(self, records: Sequence[Record]) -> bytes:
        """The whole file."""
        return self.header.encode() + self.write(records)


def csv(separator: str) -> Kind:
    form = {"kind": "csv", "separator": separator}
    return Kind("log.csv", partial(hostile.as_csv, separator=separator), form, header=separator.join(COLUMNS) + "\n")


def lines(separator: str) -> Kind:
    form = {"kind": "csv", "separator": separator, "header": False, "columns": COLUMNS}
    return Kind("log.csv", partial(hostile.as_lines, separator=separator), form, exact=False)


KINDS = {
    "commas": csv(","),
    "semicolons": csv(";"),
    "tabs": csv("\t"),
    "unquoted": lines("|"),
    "double colons": lines("::"),
    "jsonl": Kind("log.jsonl", hostile.as_jsonl, {"kind": "jsonl"}),
    "jsonl of any types": Kind("log.jsonl", hostile.as_jsonl, {"kind": "jsonl"}, records=hostile.JSON_RECORDS),
    "parquet": Kind("log.parquet", hostile.as_parquet, {"kind": "parquet"}, grows=False),
    "adjacency": Kind("log.txt", hostile.as_adjacency, {"kind": "adjacency"}, exact=False),
}


def require_unchanged(trial: Trial, records: Sequence[Record]) -> None:
    """What was taken in bears the ids that were given as text, without blanks around them."""
    for place, *ids in trial.lake.scan(INTERACTIONS).select(SOURCE_ROW, USER_ID, ITEM_ID).collect().iter_rows():
        for id_, given_id in zip(ids, records[place - 1][:2], strict=True):
            assert not isinstance(given_id, str) or str(id_) == given_id.strip(BLANKS)


@pytest.mark.parametrize("n_examples", [2, MANY])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_any_rows(kind: Kind, n_examples: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    @SETTINGS(max_examples=n_examples)
    @given(kind.records, kind.records, st.lists(GOOD, min_size=3, max_size=3))
    def holds(first: list[Record], more: list[Record], good: list[Record]) -> None:
        trial = Trial(tmp_path_factory.mktemp("trial"), kind.file, kind.form)
        trial.file.write_bytes(kind.bytes(first))
        counts = trial.settled()
        if counts is None:
            trial.file.write_bytes(kind.bytes(good))
            corrected = trial.settled()
            assert corrected is not None
            assert corrected["quarantined"] == 0
            return
        if kind.exact:
            assert counts["rows_in"] == len(first)
            require_unchanged(trial, first)
        trial.file.write_bytes(kind.bytes([*first, *more]))
        grown = trial.settled()
        if not kind.grows:
            return
        if grown is None:
            trial.file.write_bytes(kind.bytes([*first, *good]))
            grown, more = trial.settled(), good
            assert grown is not None
        if kind.exact:
            assert grown["rows_in"] == len(first) + len(more)
            require_unchanged(trial, [*first, *more])

    holds()


@pytest.mark.parametrize("n_examples", [10, MANY])
def test_parquet_of_any_types(n_examples: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    @SETTINGS(max_examples=n_examples)
    @given(dataframes([column(name) for name in COLUMNS], min_size=1, max_size=9))
    def holds(frame: pl.DataFrame) -> None:
        trial = Trial(tmp_path_factory.mktemp("trial"), "log.parquet", {"kind": "parquet"})
        frame.write_parquet(trial.file)
        counts = trial.settled()
        assert counts is None or counts["rows_in"] == frame.height

    holds()
