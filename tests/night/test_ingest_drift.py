from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from nightschool.columns import BATCHES, INTERACTIONS, QUARANTINE, USERS
from nightschool.errors import DataRefused
from nightschool.night.quarantine import RETRIED
from tests.night.logs import ROWS, Home

PEOPLE = {"files": ["users.csv"], "id": "id", "attributes": ["team"]}
START = datetime(2025, 1, 1, tzinfo=UTC)


def ratings(n: int, rating: int) -> list[str]:
    return [f"{user},7,{rating},{(START + timedelta(minutes=user)).isoformat()}" for user in range(n)]


def test_log_that_is_rated_otherwise_is_refused_and_nothing_written(tmp_path):
    home = Home(tmp_path)
    home.write(ratings(1500, 1))
    home.ingest()
    home.write(ratings(1500, 5), "log-2.csv")
    with pytest.raises(DataRefused, match=r"distribution_changed \(rating"):
        home.ingest()
    assert home.rows().height == 1500
    assert home.lake.version(BATCHES) == 0


def test_few_rows_that_are_rated_otherwise_are_a_warning(tmp_path):
    home = Home(tmp_path)
    home.write(ratings(1500, 1))
    home.ingest()
    home.write(ratings(200, 5), "log-2.csv")
    assert home.ingest().interactions.accepted == 200
    (warning,) = home.warnings
    assert warning.startswith("interactions: distribution_moved (")
    assert "rating 1" in warning


def test_ingest_of_nothing_new_is_no_batch(tmp_path):
    home = Home(tmp_path)
    home.write(ROWS)
    home.ingest()
    home.ingest()
    assert home.lake.version(BATCHES) == 0


def test_users_that_lost_most_of_their_rows_are_refused(tmp_path):
    home = Home(tmp_path, users=PEOPLE)
    home.write([f"{user},red" for user in range(1, 31)], "users.csv", "id,team\n")
    home.write(ROWS)
    home.ingest()
    home.write([f"{user},red" for user in range(1, 15)], "users.csv", "id,team\n")
    with pytest.raises(DataRefused, match=r"shrunk \(14 rows where there were 30\); restore the file"):
        home.ingest()
    assert home.lake.scan(USERS).collect().height == 30


def test_ingest_finishes_a_retry_that_was_killed(tmp_path):
    home = Home(tmp_path)
    home.write([*ROWS, "1,9,9,2025-01-04"])
    home.ingest()
    rows = home.lake.scan(QUARANTINE).with_columns(reason=pl.lit(RETRIED)).collect()
    home.lake.overwrite(QUARANTINE, rows.lazy())
    home.lake.append(INTERACTIONS, home.rows().tail(1).with_columns(source_row=pl.lit(4, pl.Int64)))
    home.ingest()
    assert home.rows(QUARANTINE).is_empty()
