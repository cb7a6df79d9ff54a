from datetime import UTC, datetime, timedelta

import pytest

from nightschool.cli.night_checks import data_are_fresh, last_night, nights_begin
from nightschool.errors import NightschoolError
from nightschool.storage.nights import NightRow

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


def row(outcome: str, hours: float = 7, **about: object) -> NightRow:
    at = NOW - timedelta(hours=hours)
    return NightRow.model_validate({"night_id": "n", "started_at": at, "outcome": outcome, "reason": "why", **about})


@pytest.mark.parametrize("outcome", ["published", "unchanged", "already published", "backfilled", "dry run"])
def test_a_night_that_went_well_is_well(outcome: str) -> None:
    assert last_night([row(outcome)]) == f"2026-11-28 02:00: {outcome}"


@pytest.mark.parametrize(
    "outcome", ["data refused", "gate refused", "held", "wrong configuration", "unavailable", "failed", "died"]
)
def test_a_night_that_did_not_go_well_is_told_with_its_reason(outcome: str) -> None:
    with pytest.raises(NightschoolError, match=f"the night of 2026-11-28 02:00: {outcome}; saw 'why'; `nightschool"):
        last_night([row(outcome), row("published", 31)])


def test_a_night_that_runs_or_found_the_home_locked_is_not_judged() -> None:
    assert last_night([row("busy", 1), row("running", 2), row("published", 26)]).endswith("published")
    with pytest.raises(NightschoolError):
        last_night([row("running", 1), row("failed", 25)])
    assert last_night([]) == last_night([row("running", 1)]) == "none has ended yet"


def test_a_home_is_not_well_when_no_night_began_for_26_hours() -> None:
    assert nights_begin([row("failed", 26)], NOW) == "the last began at 2026-11-27 07:00"
    with pytest.raises(NightschoolError, match="no night has started for 26 hours; saw 'the last at 2026-11-27 06:54'"):
        nights_begin([row("busy", 1), row("published", 26.1)], NOW)
    assert nights_begin([], NOW).startswith("none yet")


def test_data_are_stale_when_the_newest_event_is_older_than_72_hours_at_t() -> None:
    def seen(age: int) -> list[NightRow]:
        return [row("published", as_of=NOW, newest_event=NOW - timedelta(hours=age))]

    assert data_are_fresh(seen(72)) == "the newest event is of 2026-11-25 09:00"
    with pytest.raises(NightschoolError, match="the newest event was 3 days old at 2026-11-28 09:00"):
        data_are_fresh(seen(73))
    with pytest.raises(NightschoolError, match="the newest event was 3 days old"):
        data_are_fresh([row("wrong configuration", hours=1), *seen(73)])
    assert data_are_fresh([]) == data_are_fresh([row("published", as_of=NOW)]) == "no night has looked yet"
