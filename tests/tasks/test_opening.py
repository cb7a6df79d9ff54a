from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from prefect.context import FlowRunContext

from nightschool.errors import ConfigurationError
from tasks.opening import asked_instant

START = datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.fixture
def run(monkeypatch):
    flow_run = SimpleNamespace(auto_scheduled=True, expected_start_time=START)
    monkeypatch.setattr(FlowRunContext, "get", lambda: SimpleNamespace(flow_run=flow_run))
    return flow_run


def test_a_run_that_a_schedule_made_sees_what_was_known_at_its_start(run):
    assert asked_instant(None) == START


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
