"""Hostile archives, and files that change while they are read, through the command line."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS
from nightschool.data.readers import sources
from nightschool.data.readers.sources import HashedStream
from tests.cli.conftest import Run
from tests.cli.untrusted import HEADER, N_ROWS, Untrusted, log_row


@pytest.fixture
def source(tmp_path: Path, run: Run) -> Untrusted:
    return Untrusted(tmp_path / "source", run)


# Archives


def zipped(*contents: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents:
            archive.writestr(name, content)
    return file.getvalue()


def encrypted(content: bytes) -> bytes:
    """An archive that says that it is encrypted, in both places that say so."""
    archive = bytearray(zipped(("log.csv", content)))
    archive[6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def of_unknown_method(content: bytes) -> bytes:
    archive = bytearray(zipped(("log.csv", content)))
    archive[8] = archive[archive.index(b"PK\x01\x02") + 10] = 97
    return bytes(archive)


@pytest.mark.parametrize(
    ("suffix", "pack", "told"),
    [
        (".gz", lambda log: gzip.compress(log)[:-9], "cannot be decompressed"),
        (".gz", lambda log: log, "cannot be decompressed"),
        (".gz", lambda log: gzip.compress(log) + b"rubbish", "cannot be decompressed"),
        (".zip", lambda log: zipped(("log.csv", log))[:-9], "cannot be decompressed"),
        (".zip", encrypted, "cannot be decompressed"),
        (".zip", of_unknown_method, "cannot be decompressed"),
        (".zip", lambda log: zipped(("a.csv", log), ("b.csv", log)), "holds 2 files"),
        (".zip", lambda _: zipped(), "holds 0 files"),
        (".zip", lambda log: zipped(("log.zip", zipped(("log.csv", log)))), "log.csv.zip"),
    ],
    ids=["cut gz", "no gz", "gz and more", "cut zip", "encrypted", "method", "two", "none", "zip in a zip"],
)
def test_broken_archive_is_refused(suffix: str, pack: Callable[[bytes], bytes], told: str, source: Untrusted) -> None:
    log = (source.folder / "log.csv").read_bytes()
    source.write(f"log.csv{suffix}", pack(log))
    source.describe(('files = ["log.csv"]', f'files = ["log.csv{suffix}"]'))
    source.refused(3, told)


def test_archive_member_that_leads_elsewhere_writes_nothing_there(source: Untrusted, tmp_path: Path) -> None:
    log = (source.folder / "log.csv").read_bytes()
    source.write("log.csv.zip", zipped(("../../escaped.csv", log)))
    source.describe(('files = ["log.csv"]', 'files = ["log.csv.zip"]'))
    assert source.accepted()["interactions"]["accepted"] == N_ROWS
    assert not list(tmp_path.rglob("escaped.csv"))


@pytest.mark.parametrize("suffix", [".gz", ".zip"])
def test_bomb_is_refused_long_before_it_is_unpacked(
    suffix: str, source: Untrusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_HARMLESS_BYTES", 2**20)
    bomb = (HEADER + "\n").encode() + b"1,1,3,,,\n" * 5_000_000
    source.write(f"log.csv{suffix}", gzip.compress(bomb, 1) if suffix == ".gz" else zipped(("log.csv", bomb)))
    source.describe(('files = ["log.csv"]', f'files = ["log.csv{suffix}"]'))
    source.refused(3, f"log.csv{suffix} holds more than", "its compressed size")


# Files that change while they are read


def changing(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Makes the change after the first bytes of a source were read."""
    read, changed = HashedStream.read, []

    def read_and_change(stream: HashedStream, size: int = sources.BLOCK_BYTES) -> bytes:
        block = read(stream, min(size, 400))
        if block.startswith(HEADER.encode()):
            changed.append(change() if not changed else None)
        return block

    monkeypatch.setattr(HashedStream, "read", read_and_change)


def test_file_that_grows_while_it_is_read_loses_nothing(source: Untrusted, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        changing(patch, lambda: source.append("log.csv", log_row(2, 2), log_row(3, 3)))
        first = source.accepted()["interactions"]["accepted"]
    second = source.accepted()["interactions"]
    assert (second["already_known"], second["accepted"]) == (first, N_ROWS + 2 - first)


def test_file_that_is_cut_while_it_is_read_is_refused_or_known_as_it_was(
    source: Untrusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = source.folder / "log.csv"
    with monkeypatch.context() as patch:
        changing(patch, lambda: log.write_bytes(log.read_bytes()[:200]))
        outcome = source.ingest()
    assert outcome.code in {0, 3}
    source.write("log.csv", [HEADER, *source.rows])
    again = source.ingest()
    assert again.code == 0, again
    assert source.rows_of(INTERACTIONS).height == N_ROWS


def test_parquet_that_is_replaced_while_it_is_read_is_refused(
    source: Untrusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = source.folder / "log.parquet"
    log = pl.read_csv(source.folder / "log.csv")
    log.write_parquet(file)
    source.describe(('files = ["log.csv"]', 'files = ["log.parquet"]\nformat = { kind = "parquet" }'))
    with monkeypatch.context() as patch:
        scan = pl.scan_parquet

        def replaced(path: Path, **options: bool) -> pl.LazyFrame:
            if path == file:
                log.reverse().write_parquet(file)
            return scan(path, **options)

        patch.setattr(pl, "scan_parquet", replaced)
        source.refused(3, "log.parquet was written while it was read", "try again")
    assert source.accepted()["interactions"]["accepted"] == N_ROWS
