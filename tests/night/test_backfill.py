import json
from datetime import UTC, date, datetime, time, timedelta

import pytest

from nightschool.errors import Busy, ConfigurationError, DataRefused, GateRefused, NightschoolError
from nightschool.night.backfill import Backfilled, list_instants, require_all, run_nights, worst_exit_code
from nightschool.night.fidelity import MAY_DIFFER
from nightschool.storage.release import Release, Status

DAYS = [datetime(2025, 6, day, 2, tzinfo=UTC) for day in range(1, 5)]


def release(as_of: datetime, status: Status = "published") -> Release:
    return Release(release_id="x", as_of=as_of, created_at=as_of, commit_version=0, status=status)


def report(as_of: datetime) -> dict[str, object]:
    warnings = [f"rows of a query count from when they were read: {MAY_DIFFER}"] if as_of == DAYS[0] else []
    return {"status": "backfilled", "release_id": f"r{as_of.day}", "warnings": warnings}


# Which nights


def test_there_is_one_night_a_day_from_the_first_to_the_last() -> None:
    found = list_instants(date(2024, 2, 28), date(2024, 3, 1), time(23, 30), [])
    assert found == [datetime(2024, *day, 23, 30, tzinfo=UTC) for day in ((2, 28), (2, 29), (3, 1))]
    assert len(list_instants(date(2024, 2, 28), date(2024, 2, 28), None, [])) == 1


@pytest.mark.parametrize(
    ("last", "what"),
    [(date(2024, 2, 27), "--to is before --from"), (datetime.now(UTC).date() + timedelta(days=1), "in the future")],
)
def test_days_that_cannot_be_are_wrong_usage(last: date, what: str) -> None:
    with pytest.raises(ConfigurationError, match=what):
        list_instants(date(2024, 2, 28), last, None, [])


def test_the_time_of_day_is_that_of_the_releases_where_they_agree_else_two() -> None:
    def usual(*stored: Release) -> time:
        return list_instants(date(2024, 2, 28), date(2024, 2, 28), None, stored)[0].time()

    hour = timedelta(hours=1)
    assert usual() == time(2)
    assert usual(release(DAYS[0] + hour), release(DAYS[1] + hour, "backfilled")) == time(3)
    assert usual(release(DAYS[0]), release(DAYS[1] + hour)) == time(2)


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


def test_the_worst_exit_code_is_the_highest() -> None:
    nights = [Backfilled(DAYS[0], "x"), Backfilled(DAYS[1], "y", exit_code=4), Backfilled(DAYS[2], "z", exit_code=3)]
    assert worst_exit_code(nights) == 4
    assert worst_exit_code(nights[:1]) == worst_exit_code([]) == 0


def test_a_run_for_people_fails_where_a_night_failed() -> None:
    done, failed = Backfilled(DAYS[0], "backfilled", "r1", False), Backfilled(DAYS[1], "no data", exit_code=3)
    assert require_all([done]) == [done.to_dict()]
    with pytest.raises(NightschoolError, match=r"1 of 2 nights failed; the first was that of 2025-06-02T02.*no data"):
        require_all([done, failed])


def test_an_entry_of_the_document_is_plain() -> None:
    entry = Backfilled(DAYS[0], "backfilled", "r1", hashes_may_differ=False).to_dict()
    assert json.loads(json.dumps(entry))["as_of"] == "2025-06-01T02:00:00+00:00"
