import json
from datetime import UTC, date, datetime, time, timedelta

import pytest

from nightschool.cli.backfill import Backfilled, parse_days, parse_time, run_nights, usual_time
from nightschool.errors import Busy, ConfigurationError, DataRefused, GateRefused
from nightschool.night.run import SEARCHED_ANEW
from nightschool.storage.release import Release, Status
from tests.cli.conftest import NIGHT, Published, Run, require_refusal

DAYS = [datetime(2025, 6, day, 2, tzinfo=UTC) for day in range(1, 5)]
ASSIGNMENTS = [part for assignment in NIGHT for part in ("--set", assignment)]


def release(as_of: datetime, status: Status = "published") -> Release:
    return Release(release_id="x", as_of=as_of, created_at=as_of, commit_version=0, status=status)


def report(as_of: datetime) -> dict[str, object]:
    warnings = [SEARCHED_ANEW] if as_of == DAYS[0] else []
    return {"status": "backfilled", "release_id": f"r{as_of.day}", "warnings": warnings}


# Which nights


def test_days_are_those_from_the_first_to_the_last() -> None:
    assert parse_days("2024-02-28", "2024-03-01") == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert parse_days("2024-02-28", "2024-02-28") == [date(2024, 2, 28)]
    with pytest.raises(ConfigurationError, match="--to is before --from; saw '2024-02-27'"):
        parse_days("2024-02-28", "2024-02-27")
    with pytest.raises(ConfigurationError, match="--from is no date; saw 'monday'"):
        parse_days("monday", "2024-02-27")


def test_the_time_of_day_is_what_is_asked_for_else_that_of_the_releases_else_two() -> None:
    assert parse_time("23:30") == time(23, 30)
    assert parse_time(None) is None
    for wrong in ("half past", "02:00+01:00"):
        with pytest.raises(ConfigurationError, match="--at"):
            parse_time(wrong)
    assert usual_time([]) == time(2)
    hour = timedelta(hours=1)
    assert usual_time([release(DAYS[0] + hour), release(DAYS[1] + hour, "backfilled")]) == time(3)
    assert usual_time([release(DAYS[0]), release(DAYS[1] + hour)]) == time(2)


# What becomes of them


def test_each_night_runs_in_order_and_a_day_with_a_release_is_skipped() -> None:
    asked: list[datetime] = []

    def run(as_of: datetime) -> dict[str, object]:
        asked.append(as_of)
        return report(as_of)

    found = run_nights(DAYS, [release(DAYS[1]), release(DAYS[2] + timedelta(hours=1))], run)
    assert asked == [DAYS[0], DAYS[2], DAYS[3]]
    assert found == [
        Backfilled(DAYS[0], "backfilled", "r1", hashes_may_differ=True),
        Backfilled(DAYS[1], "skipped: already published", "x"),
        Backfilled(DAYS[2], "backfilled", "r3", hashes_may_differ=False),
        Backfilled(DAYS[3], "backfilled", "r4", hashes_may_differ=False),
    ]


@pytest.mark.parametrize(
    ("error", "codes", "last"),
    [
        (DataRefused("bad rows"), [0, 3, 0, 0], "backfilled"),
        (GateRefused("coverage"), [0, 4, 0, 0], "backfilled"),
        (Busy("locked"), [0, 6, 0, 0], "not run"),
        (ConfigurationError("no such model"), [0, 2, 0, 0], "not run"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_refuses_one_night_leaves_the_others_and_what_concerns_all_ends_them(
    error: Exception, codes: list[int], last: str
) -> None:
    def run(as_of: datetime) -> dict[str, object]:
        if as_of == DAYS[1]:
            raise error
        return report(as_of)

    found = run_nights(DAYS, [], run)
    assert [night.exit_code for night in found] == codes
    assert found[1].outcome == f"{type(error).__name__}: {error}"
    assert [night.outcome for night in found[2:]] == [last, last]


def test_an_entry_of_the_document_is_plain() -> None:
    entry = Backfilled(DAYS[0], "backfilled", "r1", hashes_may_differ=False).to_dict()
    assert json.loads(json.dumps(entry))["as_of"] == "2025-06-01T02:00:00+00:00"


# The command


def test_a_range_that_reaches_into_the_future_is_wrong_usage(writing: Published, run: Run) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    require_refusal(run("backfill", "--from", "2025-06-01", "--to", tomorrow), 2, "T lies in the future", "--to")
    require_refusal(run("backfill", "--from", "June", "--to", "2025-06-01"), 2, "--from is no date", "June")


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
