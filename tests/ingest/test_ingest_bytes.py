"""Files of any bytes, damaged ones and broken archives: rows, or one clear refusal that writes nothing."""

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest.hostile import COLUMNS, MANY, Record, Trial, as_adjacency, as_csv, as_jsonl, as_parquet

SETTINGS = partial(settings, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

RECORDS: list[Record] = [
    (str(user), str(item), str(1 + (user * item) % 5), "2025-01-05T10:00:00Z", "60", "true")
    for user in range(1, 6)
    for item in range(1, 6)
]
CSV = {"kind": "csv"}


def packed(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", content)
    return file.getvalue()


def matrix() -> bytes:
    file = io.BytesIO()
    cells = np.arange(1, 26, dtype=np.int64).reshape(5, 5) % 3
    scipy.sparse.save_npz(file, scipy.sparse.csr_matrix(cells))
    return file.getvalue()


def database(folder: Path) -> bytes:
    path = folder / "log.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE log (key INTEGER PRIMARY KEY, {', '.join(COLUMNS)})")
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO log ({', '.join(COLUMNS)}) VALUES ({marks})", RECORDS)
    connection.close()
    return path.read_bytes()


LOG = (",".join(COLUMNS) + "\n").encode() + as_csv(RECORDS, ",")


class Kind(NamedTuple):
    """A kind of file, and a good one of it; in text the last line may come without its end, and go on."""

    file: str
    form: dict[str, Any]
    good: Callable[[Path], bytes]
    end: bytes = b""


KINDS = {
    "csv": Kind("log.csv", CSV, lambda _: LOG, end=b"\n"),
    "gz": Kind("log.csv.gz", CSV, lambda _: gzip.compress(LOG, mtime=0)),
    "zip": Kind("log.csv.zip", CSV, lambda _: packed(LOG)),
    "utf-16": Kind("log.csv", {**CSV, "encoding": "utf-16"}, lambda _: LOG.decode().encode("utf-16")),
    "jsonl": Kind("log.jsonl", {"kind": "jsonl"}, lambda _: as_jsonl(RECORDS), end=b"\n"),
    "parquet": Kind("log.parquet", {"kind": "parquet"}, lambda _: as_parquet(RECORDS)),
    "adjacency": Kind("log.txt", {"kind": "adjacency"}, lambda _: as_adjacency(RECORDS), end=b"\n"),
    "csr": Kind("log.npz", {"kind": "csr"}, lambda _: matrix()),
    "sql": Kind(
        "log.db", {"kind": "sql", "uri": "sqlite:///log.db", "query": "SELECT * FROM log", "key": "key"}, database
    ),
}


class Damage(NamedTuple):
    """What becomes of a file: bytes changed, all beyond a place cut off, others put in their place."""

    flips: list[tuple[float, int]]
    end: float
    tail: bytes

    def of(self, good: bytes) -> bytes:
        """The damaged bytes; places are shares of the length."""
        content = bytearray(good)
        for place, mask in self.flips:
            content[int(place * (len(content) - 1))] ^= mask
        return bytes(content[: round(self.end * len(content))]) + self.tail


SHARES = st.floats(0, 1)
FLIPS = st.lists(st.tuples(SHARES, st.integers(1, 255)), max_size=3)
ENDS = st.just(1.0) | SHARES
TAILS = st.just(b"") | st.binary(max_size=40)
DAMAGES = st.builds(Damage, FLIPS, ENDS, TAILS) | st.builds(Damage, st.just([]), st.just(0.0), st.binary(max_size=400))


@pytest.mark.parametrize("n_examples", [8, MANY])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_any_bytes(kind: Kind, n_examples: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    good = kind.good(tmp_path_factory.mktemp("good"))

    @SETTINGS(max_examples=n_examples)
    @given(DAMAGES)
    def holds(damage: Damage) -> None:
        trial = Trial(tmp_path_factory.mktemp("trial"), kind.file, kind.form)
        trial.file.write_bytes(damage.of(good))
        if trial.settled() is None:
            trial.file.write_bytes(good)
            corrected = trial.settled()
            assert corrected is not None
            assert (corrected["accepted"], corrected["quarantined"]) == (corrected["rows_in"], 0)

    holds()


@pytest.mark.parametrize("n_examples", [3, MANY])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_any_bytes_after_good_ones(kind: Kind, n_examples: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    good = kind.good(tmp_path_factory.mktemp("good"))

    @SETTINGS(max_examples=n_examples)
    @given(DAMAGES, st.booleans())
    def holds(damage: Damage, ends: bool) -> None:
        trial = Trial(tmp_path_factory.mktemp("trial"), kind.file, kind.form)
        first = good if ends else good.removesuffix(kind.end)
        trial.file.write_bytes(first)
        known = trial.settled()
        assert known is not None
        trial.file.write_bytes(damage.of(first))
        if trial.settled() is None:
            trial.file.write_bytes(first)
            restored = trial.settled()
            assert restored is not None
            assert (restored["already_known"], restored["accepted"]) == (known["rows_in"], 0)

    holds()
