from datetime import UTC, datetime, timedelta

import pytest

from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.normalization.limits import EARLIEST, ZERO_FROM, ZERO_UNTIL, Limits

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_limits_come_from_the_manifest_and_the_clock():
    limits = Limits.of(load_manifest("movielens-100k"), NOW)
    assert limits.rating == (1.0, 5.0)
    assert limits.latest == NOW + timedelta(days=1)


def test_data_without_ratings_have_no_scale():
    assert Limits.of(load_manifest("learning"), NOW).rating is None


@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_second_zero_of_every_time_zone_is_told_apart(hours):
    assert ZERO_FROM <= datetime.fromtimestamp(0, UTC) + timedelta(hours=hours) < ZERO_UNTIL


@pytest.mark.parametrize("day", [datetime(2001, 9, 9, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)])
def test_a_wrong_unit_ends_before_the_earliest_time(day):
    seconds_as_milliseconds = datetime.fromtimestamp(day.timestamp() / 1000, UTC)
    assert ZERO_UNTIL <= seconds_as_milliseconds < EARLIEST
