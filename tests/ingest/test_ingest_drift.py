from datetime import UTC, datetime, timedelta

import polars as pl

from nightschool.columns import BATCHES, INTERACTIONS, QUARANTINE, USERS
from nightschool.ingest.file_outcomes import decide_file
from nightschool.ingest.ledger import Ledger
from nightschool.storage.quarantine.table import RETRIED
from tests.ingest.logs import NOW, ROWS, Home

PEOPLE = {"files": ["users.csv"], "id": "id", "attributes": ["team"]}
START = datetime(2025, 1, 1, tzinfo=UTC)


def ratings(n: int, rating: int, item: int = 7) -> list[str]:
    return [f"{user},{item},{rating},{(START + timedelta(minutes=user)).isoformat()}" for user in range(n)]


def test_log_that_is_rated_otherwise_is_set_aside_until_it_is_accepted(tmp_path):
    home = Home(tmp_path)
    home.write(ratings(1500, 1))
    home.ingest()
    home.write(ratings(1500, 5, item=8), "log-2.csv")
    assert home.ingest().interactions.set_aside == 1500
    assert "distribution_changed (rating" in home.files[0].detail
    assert home.rows().height == 1500
    assert home.lake.version(BATCHES) == 0
    decide_file(Ledger(home.lake, NOW), [INTERACTIONS], "log-2.csv", "accepted")
    assert home.ingest().interactions.accepted == 1500


def test_few_rows_that_are_rated_otherwise_are_a_warning(tmp_path):
    home = Home(tmp_path)
    home.write(ratings(1500, 1))
    home.ingest()
    home.write(ratings(200, 5, item=8), "log-2.csv")
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
    assert home.ingest().users.set_aside == 14
    assert "shrunk (14 rows where there were 30); restore it; if it is meant so" in home.files[-1].detail
    assert home.lake.scan(USERS).collect().height == 30
    decide_file(Ledger(home.lake, NOW), [USERS], "users.csv", "accepted")
    assert home.ingest().users.withdrawn == 16


def test_ingest_finishes_a_retry_that_was_killed(tmp_path):
    home = Home(tmp_path)
    home.write([*ROWS, "1,9,9,2025-01-04"])
    home.ingest()
    rows = home.lake.scan(QUARANTINE).with_columns(reason=pl.lit(RETRIED)).collect()
    home.lake.overwrite(QUARANTINE, rows.lazy())
    home.lake.append(INTERACTIONS, home.rows().tail(1).with_columns(source_row=pl.lit(4, pl.Int64)))
    home.ingest()
    assert home.rows(QUARANTINE).is_empty()
