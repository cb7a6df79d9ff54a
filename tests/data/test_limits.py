from datetime import UTC, datetime, timedelta

from nightschool.data.limits import EARLIEST, Limits
from nightschool.data.manifest import load_manifest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_limits_come_from_the_manifest_and_the_clock():
    limits = Limits.of(load_manifest("movielens-100k"), NOW)
    assert limits.rating == (1.0, 5.0)
    assert limits.latest == NOW + timedelta(days=1)


def test_data_without_ratings_have_no_scale():
    assert Limits.of(load_manifest("learning"), NOW).rating is None


def test_second_zero_is_too_early():
    assert datetime.fromtimestamp(0, UTC) < EARLIEST
