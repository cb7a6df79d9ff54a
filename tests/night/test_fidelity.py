from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from nightschool.night.fidelity import MAY_DIFFER, find_doubts
from tests.ingest.logs import NOW, ROWS, Home

THEN = datetime(2025, 6, 1, tzinfo=UTC)


def doubts(home: Home, as_of: datetime = THEN) -> list[str]:
    return find_doubts(home.lake, home.manifest, as_of)


def test_files_tell_when_they_arrived(tmp_path):
    home = Home(tmp_path)
    home.write(ROWS)
    home.ingest()
    assert doubts(home) == []


def test_rows_that_count_from_when_they_were_read_may_have_been_there(tmp_path):
    home = Home(tmp_path, arrival="read")
    home.write(ROWS)
    home.ingest()
    (doubt,) = doubts(home)
    assert doubt.endswith(MAY_DIFFER)


@pytest.mark.parametrize(("arrived", "n"), [(THEN - timedelta(days=1), 0), (NOW, 1)], ids=["before T", "after T"])
def test_rows_of_a_log_of_the_past_were_known_before_their_file_arrived(tmp_path, arrived, n):
    home = Home(tmp_path, history=True)
    home.write(ROWS)
    home.ingest(first_seen=arrived)
    assert len(doubts(home)) == n


def test_rows_appended_later_are_told_from_those_before(tmp_path):
    home = Home(tmp_path, history=True)
    home.write(ROWS)
    home.ingest(first_seen=THEN - timedelta(days=1))
    home.write([*ROWS, "5,5,5,2025-12-01"])
    home.ingest(first_seen=NOW)
    assert doubts(home) == []
    home.write([*ROWS, "5,5,5,2025-12-01", "6,5,5,2025-01-01"])
    home.ingest(first_seen=NOW)
    assert len(doubts(home)) == 1
    assert home.rows()["available_at"].dtype == pl.Datetime("us", "UTC")
