"""What libraries raise when the machine fails, with real causes where the machine allows it."""

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import polars as pl
import pytest

from nightschool.columns import USERS
from nightschool.errors import DataRefused, Unavailable
from nightschool.failures import explain, is_interrupt
from nightschool.night.outcome import outcome_of
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.lake import Lake
from tests.cli.conftest import spawn


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that holds 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    if (
        not mounted
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("no small file system can be mounted here: it takes root's rights")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def write_bytes(folder: Path) -> None:
    (folder / "file").write_bytes(b"x" * 4_000_000)


def write_parquet(folder: Path) -> None:
    pl.select(pl.int_range(2_000_000)).write_parquet(folder / "file.parquet", compression="uncompressed")


def stream_parquet(folder: Path) -> None:
    pl.select(pl.int_range(2_000_000)).lazy().sink_parquet(folder / "file.parquet", compression="uncompressed")


def append_to_table(folder: Path) -> None:
    users = pl.select(pl.int_range(2_000_000).hash().cast(pl.String).alias("user_id"))
    frame = users.with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias("available_at"))
    Lake(folder, pl.String(), pl.Int64()).append(USERS, frame)


def fill_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "events.db")) as connection:
        connection.execute("CREATE TABLE events (value)")
        connection.executemany("INSERT INTO events VALUES (?)", (("x" * 1_000,) for _ in range(4_000)))
        connection.commit()


@pytest.mark.parametrize("write", [write_bytes, write_parquet, stream_parquet, append_to_table, fill_database])
def test_a_full_disk_is_named(write: Callable[[Path], None], small_disk: Path) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # each library has its own
        write(small_disk)
    assert_says(caught.value, "the disk is full", "free some space")


def test_a_command_on_a_full_disk_ends_with_7_and_one_line(small_disk: Path, tmp_path: Path) -> None:
    simulate(SimulatorConfig(users=2_000, items=300, interactions=80_000), tmp_path / "source")
    command = ("ingest", "--dataset", "learning", "--source-root", tmp_path / "source", "--json")
    outcome = spawn("--home", small_disk / "home", *command)
    assert (outcome.code, outcome.out) == (7, "")
    assert "Traceback" not in outcome.err
    assert outcome.err.splitlines()[-1].startswith("Unavailable: the disk is full; saw ")


def test_a_file_system_for_reading_alone_is_named(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OSError) as caught:  # noqa: PT011
        write_bytes(small_disk)
    assert_says(caught.value, "the file system is read-only", "--home")


def test_memory_that_cannot_be_had_is_named() -> None:
    with pytest.raises(MemoryError) as caught:
        bytearray(2**62)
    assert_says(caught.value, "memory ran out", "NIGHTSCHOOL_BLOCK_MEGABYTES")


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError(errno.EIO, "Input/output error"), "the disk cannot be read or written"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "the file system is read-only"),
        (MemoryError(), "memory ran out; saw 'MemoryError'"),
    ],
)
def test_each_shortage_has_its_words(error: Exception, what: str) -> None:
    assert_says(error, what)


def test_the_cause_of_what_a_library_raised_is_found() -> None:
    error = RuntimeError("the write failed")
    error.__cause__ = ValueError("the upload failed")
    error.__cause__.__context__ = OSError(errno.ENOSPC, "No space left on device")
    assert_says(error, "the disk is full")


def test_a_server_that_nobody_runs_is_named() -> None:
    with pytest.raises(httpx.ConnectError) as caught:
        httpx.get("http://127.0.0.1:1")
    assert_says(caught.value, "a server does not answer", "nightschool up")


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), FileNotFoundError(errno.ENOENT, "no file"), KeyError("a")])
def test_a_defect_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None


def test_what_nightschool_raised_itself_stays() -> None:
    refused = DataRefused("too many bad rows")
    refused.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert explain(refused) is None


def assert_says(error: BaseException, *words: str) -> None:
    found = explain(error)
    assert isinstance(found, Unavailable)
    assert "\n" not in str(found)
    for each in words:
        assert each in str(found)


def test_an_error_that_cleaning_up_after_ctrl_c_raised_is_an_interrupt() -> None:
    error = ValueError("the task run is not set")
    error.__context__ = KeyboardInterrupt()
    assert is_interrupt(error)
    lost = httpx.ConnectError("the server ended as well")
    lost.__context__ = KeyboardInterrupt()
    assert explain(lost) is None
    assert (outcome_of(error).name, outcome_of(error).exit_code) == ("interrupted", 130)
    code = """
from nightschool.cli import app
def command(prog_name):
    try:
        raise KeyboardInterrupt
    finally:
        raise ValueError("the task run is not set")
app.app = command
app.main()
"""
    outcome = spawn(code=code)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")
