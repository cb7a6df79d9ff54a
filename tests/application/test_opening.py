from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pandas as pd
import pendulum
import pytest
from prefect.context import FlowRunContext

from nightschool.application.opening import asked_instant
from nightschool.errors import ConfigurationError

START = datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.fixture
def run(monkeypatch):
    flow_run = SimpleNamespace(auto_scheduled=True, expected_start_time=START)
    monkeypatch.setattr(FlowRunContext, "get", lambda: SimpleNamespace(flow_run=flow_run))
    return flow_run


def test_a_run_that_a_schedule_made_sees_what_was_known_at_its_start(run):
    assert asked_instant(None) == START


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_what_prefect_hands_over_becomes_a_plain_instant(run, zone):
    """Prefect gives pendulum's instants, whose sums pandas does not compare with a column."""
    run.expected_start_time = pendulum.datetime(2026, 3, 1, 2, 0, 0, 7, tz="UTC").in_timezone(zone)
    for instant in (asked_instant(None), asked_instant(run.expected_start_time)):
        assert type(instant) is datetime
        assert instant == START.replace(microsecond=7)
        assert instant.tzinfo is UTC
        assert (pd.Series([START]) <= instant + timedelta(days=1)).all()


def test_a_run_that_a_person_started_sees_what_is_known(run):
    run.auto_scheduled = False
    assert asked_instant(None) is None


@pytest.mark.parametrize(
    "asked",
    [
        datetime(2026, 2, 1, 12),
        datetime(2026, 2, 1, 12, tzinfo=UTC),
        datetime(2026, 2, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_what_was_asked_for_comes_first_and_is_utc(run, asked):
    instant = asked_instant(asked)
    assert instant == datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert instant.tzinfo is UTC


def test_the_future_is_refused():
    with pytest.raises(ConfigurationError, match="T lies in the future"):
        asked_instant(datetime.now(UTC) + timedelta(hours=1))
