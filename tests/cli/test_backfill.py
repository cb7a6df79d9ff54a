from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import NIGHT, Published, Run, require_refusal

ASSIGNMENTS = [part for assignment in NIGHT for part in ("--set", assignment)]


def test_a_range_that_reaches_into_the_future_is_wrong_usage(writing: Published, run: Run) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    require_refusal(run("backfill", "--from", "2025-06-01", "--to", tomorrow), 2, "T lies in the future", "--to")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (("--from", "June", "--to", "2025-06-01"), "--from is not a date"),
        (("--from", "2025-06-02", "--to", "2025-06-01"), "--to is before --from"),
        (("--from", "2025-06-01", "--to", "2025-06-01", "--at", "noon"), "--at is not a time of day"),
        (("--from", "2025-06-01", "--to", "2025-06-01", "--at", "02:00+01:00"), "takes no zone"),
    ],
)
def test_wrong_days_and_times_are_wrong_usage(line: tuple[str, ...], what: str, writing: Published, run: Run) -> None:
    require_refusal(run("backfill", *line), 2, what)


def test_missed_nights_are_stored_and_the_current_release_stays(writing: Published, prefect_api: str, run: Run) -> None:
    line = ("backfill", "--from", "2020-06-01", "--to", "2020-06-01", *ASSIGNMENTS)
    refused = run(*line, "--json")
    assert refused.code == 3
    assert [entry["exit_code"] for entry in refused.document] == [3]
    assert "no interaction was known then" in refused.document[0]["outcome"]

    line = ("backfill", "--from", "2025-06-20", "--to", "2025-06-20", "--at", "03:00", *ASSIGNMENTS)
    done = run(*line)
    assert done.code == 0, done.err
    assert "backfilled" in done.out
    assert "2025-06-20 03:00" in done.out
    again = run(*line, "--json").document
    assert [entry["outcome"] for entry in again] == ["skipped: already backfilled"]
    listing = run("releases", "list", "--json").document
    assert [(entry["status"], entry["current"]) for entry in listing] == [("published", True), ("backfilled", False)]
    backfilled = listing[1]["id"]
    assert again[0]["release_id"] == backfilled
    assert run("releases", "verify", backfilled).code == 0
    assert "backfilled" in run("releases", "show", backfilled).out
    assert run("recommend", "--user", 2, "--release", backfilled, "--json").document["release_id"] == backfilled
    assert run("releases", "rollback", backfilled, "--json").document["status"] == "published"
