from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightschool.errors import ConfigurationError, GateRefused
from nightschool.storage.holds import find_hold, refuse_hold
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Draft, Releases

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> list[datetime]:
    return [NOON]


@pytest.fixture
def releases(tmp_path: Path, clock: list[datetime]) -> Releases:
    return Releases(Lake(tmp_path / "lake", pl.Int64(), pl.Int64()), clock=lambda: clock[0])


def test_a_hold_keeps_its_reason_its_end_and_who_asked_for_it(releases: Releases) -> None:
    releases.hold("exam week", "ops", NOON + HOUR)
    (row,) = releases.history()
    assert (row.reason, row.by, row.until) == ("exam week", "ops", NOON + HOUR)
    assert row.gates == {}
    assert releases.holding() == row
    ended = releases.unhold("over", "other")
    assert ended is not None
    assert (ended.by, ended.until, releases.held()) == ("other", None, None)


def test_a_hold_ends_by_itself_at_its_end(releases: Releases, clock: list[datetime]) -> None:
    releases.hold("exam week", until=NOON + HOUR)
    draft = Draft(release_id="r", as_of=NOON, run_key="r")
    clock[0] = NOON + HOUR - timedelta(seconds=1)
    with pytest.raises(GateRefused, match="on hold; saw 'exam week'"):
        releases.backfill(draft)
    clock[0] = NOON + HOUR
    assert releases.held() is None
    assert releases.unhold() is None
    assert releases.backfill(draft).status == "backfilled"


def test_a_hold_without_an_end_goes_on(releases: Releases) -> None:
    releases.hold("until fixed")
    found = find_hold(releases.history(), lambda: NOON + 10_000 * HOUR)
    assert found is not None
    assert found.reason == "until fixed"


def test_the_newest_hold_counts(releases: Releases, clock: list[datetime]) -> None:
    releases.hold("for good")
    releases.hold("for an hour", until=NOON + HOUR)
    clock[0] = NOON + 2 * HOUR
    assert releases.held() is None
    refuse_hold(releases.history(), releases.clock)


def test_a_hold_that_would_be_over_is_refused(releases: Releases) -> None:
    with pytest.raises(ConfigurationError, match="cannot end in the past"):
        releases.hold("late", until=NOON)
    assert releases.history() == []
