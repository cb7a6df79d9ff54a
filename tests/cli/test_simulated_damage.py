"""Rows that the simulator spoilt, through the command line: each one is found again where it belongs."""

import re
from pathlib import Path

import polars as pl
import pytest

from nightschool.application.home import open_home
from nightschool.columns import INTERACTIONS, ITEM_ID, ITEMS, QUARANTINE, USER_ID, USERS
from tests.cli.conftest import Outcome, Run, require_refusal

SIZE = ("--users", 600, "--items", 300, "--interactions", 20_000)


@pytest.fixture
def ingest(run: Run, tmp_path: Path):
    def spoilt(share: float) -> Outcome:
        assert run("simulate", "--out", tmp_path / "source", "--damage", share, *SIZE).code == 0
        return run("ingest", "--dataset", "learning", "--source-root", tmp_path / "source", "--json")

    return spoilt


def test_every_spoilt_row_is_accounted_for(ingest, tmp_path: Path) -> None:
    outcome = ingest(0.05)
    assert outcome.code == 0
    # Items that are refused are missing where others require them.
    assert re.fullmatch(r"Note: items: \d+ of 1\d\d prerequisites match no item, such as .*\n", outcome.err)
    record = pl.read_parquet(tmp_path / "source" / "damage.parquet")
    lake = open_home().lake
    put_aside = lake.scan(QUARANTINE).select(pl.col("source_file").alias("file"), "source_row", "reason").collect()
    expected = record.drop_nulls("reason")
    assert put_aside.sort("file", "source_row").equals(
        expected.select("file", "source_row", "reason").sort("file", "source_row")
    )
    legal = record.filter(pl.col("reason").is_null())
    assert legal["file"].n_unique() == 3
    log = lake.scan(INTERACTIONS).select("source_row").collect()["source_row"]
    legal_log = legal.filter(pl.col("file") == "engagements.csv")["source_row"]
    assert legal_log.is_in(log.implode()).all()
    in_files = (expected["file"] == name for name in ("engagements.csv", "users.csv", "content.csv"))
    tables = ((INTERACTIONS, "source_row", 20_000), (USERS, USER_ID, 600), (ITEMS, ITEM_ID, 300))
    for (table, key, n_rows), refused in zip(tables, in_files, strict=True):
        assert lake.scan(table).collect()[key].n_unique() == n_rows - refused.sum()
        assert outcome.document[table.name]["rows_in"] == n_rows


def test_legal_texts_come_in_unchanged(ingest, tmp_path: Path) -> None:
    assert ingest(0.05).code == 0
    titles = set(open_home().lake.scan(ITEMS).collect()["title"])
    assert {"=1+cmd|' /C calc'!A0", "שלום 🎓 مرحبا"} <= titles


def test_too_much_damage_is_refused_and_writes_nothing(ingest, home: Path) -> None:
    require_refusal(ingest(0.3), 3, "too_many_bad_rows", "check the manifest against the files")
    assert not (home / "lake").exists()
