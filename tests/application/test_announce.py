from datetime import UTC, datetime, timedelta

import pytest

from nightschool.application.announce import announce, announce_missed
from nightschool.settings import Settings
from nightschool.storage.nights import NightRow, Nights
from tests.application.hooks import hook

NOW = datetime.now(UTC)


@pytest.fixture
def told(monkeypatch):
    with hook() as found:
        monkeypatch.setenv("NIGHTSCHOOL_NOTIFY", found.address)
        monkeypatch.setenv("NIGHTSCHOOL_HEARTBEAT", f"http://127.0.0.1:{found.port}/beat")
        yield found


@pytest.fixture
def nights():
    return Nights.of(Settings().paths)


def row(outcome, code, hours=0, **about):
    at = NOW - timedelta(hours=hours)
    return NightRow(
        night_id=f"{outcome}{hours}", started_at=at, ended_at=at, outcome=outcome, exit_code=code, reason="why", **about
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("data refused", 3), ("gate refused", 4), ("failed", 1), ("unavailable", 7), ("wrong configuration", 2)],
)
def test_a_night_that_went_wrong_is_told_and_beats_no_heart(outcome, code, told, nights):
    announce(row(outcome, code), nights)
    assert told.titles == [f"Nightschool: {outcome}"]
    assert told.sent[0]["message"].startswith("why\nBegan ")
    assert "http://127.0.0.1:8000/operator" in told.sent[0]["message"]
    assert told.asked == []


def test_figures_that_stay_unexpected_are_told_after_a_success(told, nights):
    announce(row("published", 0), nights, ["gini@10 of the lists is 0.9"])
    assert told.titles == ["Nightschool: unexpected figures"]
    assert told.sent[0]["message"].startswith("gini@10 of the lists is 0.9\nBegan ")


@pytest.mark.parametrize(("outcome", "code"), [("held", 4), ("busy", 6)])
def test_a_hold_and_a_locked_home_are_told_to_nobody(outcome, code, told, nights):
    announce(row(outcome, code), nights)
    assert (told.titles, told.asked) == ([], [])


@pytest.mark.parametrize(
    ("before", "titles"),
    [
        ([], []),
        ([row("published", 0, 24)], []),
        ([row("data refused", 3, 24)], ["Nightschool: recovered"]),
        ([row("failed", 1, 24), row("busy", 6, 12)], ["Nightschool: recovered"]),
        ([row("failed", 1, 48), row("unchanged", 0, 24)], []),
        ([NightRow(night_id="dead", started_at=NOW - timedelta(hours=24))], ["Nightschool: recovered"]),
    ],
)
def test_the_first_success_after_a_failure_is_told(before, titles, told, nights):
    newest = row("published", 0)
    for each in [*before, newest]:
        nights.append(each)
    announce(newest, nights)
    assert (told.titles, told.asked) == (titles, ["/beat"])


def test_a_missed_night_is_told_once(told, nights):
    nights.append(row("published", 0, 55, scheduled_for=NOW - timedelta(hours=55)))
    announce_missed(nights)
    announce_missed(nights)
    assert told.titles == ["Nightschool: missed"]
    assert told.sent[0]["message"].count("T") == 2
    nights.append(row("published", 0, 1, scheduled_for=NOW - timedelta(hours=1)))
    announce_missed(nights)
    assert len(told.titles) == 1


def test_without_addresses_nothing_is_looked_for(nights):
    announce_missed(nights)
    assert not nights.tries.exists()
