from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.experiments.outcomes import outcomes_of
from nightschool.experiments.plan import Plan
from nightschool.experiments.store import Experiments, Exposure, Shown
from nightschool.storage.events import EventStore, Sent

START, HOUR = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
WINDOW, NOW = 24 * HOUR, START + 40 * HOUR
INSTANT = pl.Datetime("us", "UTC")
EXPOSURES = {
    "user_id": pl.String(),
    "arm": pl.String(),
    "at": INSTANT,
    "items": pl.List(pl.Struct({"item_id": pl.String})),
}
REACTIONS = {"user_id": pl.String(), "item_id": pl.String(), "event": pl.String(), "at": INSTANT}
COLUMNS = ["user_id", "arm", "first_shown_at", "settled", "converted", "rejected", "hits", "lists"]


def test_outcomes_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    lists = sorted(
        (START + int(rng.integers(60)) * HOUR, f"u{rng.integers(30)}", "ab"[rng.integers(2)], rng.integers(12, size=3))
        for _ in range(120)
    )
    kinds = ("like", "complete", "view", "dislike", "hide")
    events = [
        (
            f"u{rng.integers(30)}",
            f"{rng.integers(12)}",
            kinds[rng.integers(5)],
            START + int(rng.integers(99)) * HOUR / 2,
        )
        for _ in range(400)
    ]
    expected = {}
    for _, user, _, _ in lists:
        own = [each for each in lists if each[1] == user]
        first = own[0][0]
        done, hits = set(), 0
        for who, item, event, at in events:
            seen = [shown_at for shown_at, _, _, items in own if int(item) in items]
            if who == user and seen and min(seen) <= at < first + WINDOW:
                done.add(event)
                hits += event in {"like", "complete"}
        flags = (bool(done & {"like", "complete"}), bool(done & {"dislike", "hide"}))
        within = sum(at < first + WINDOW for at, *_ in own)
        expected[user] = (own[0][2], first, first + WINDOW <= NOW, *flags, hits, within)
    rows = [(user, arm, at, [{"item_id": f"{item}"} for item in items]) for at, user, arm, items in lists]
    exposures = pl.DataFrame(rows, EXPOSURES, orient="row")
    found = outcomes_of(exposures, pl.DataFrame(events, REACTIONS, orient="row"), WINDOW, NOW)
    assert found.columns == COLUMNS
    assert {row[0]: row[1:] for row in found.rows()} == expected
    assert found["first_shown_at"].is_sorted()
    assert 0 < found["converted"].sum() < found.height
    assert 0 < found["settled"].sum() < found.height


def test_nobody_has_no_outcome() -> None:
    found = outcomes_of(pl.DataFrame(schema=EXPOSURES), pl.DataFrame(schema=REACTIONS), WINDOW, NOW)
    assert (found.height, found.columns) == (0, COLUMNS)
    assert found.schema["converted"] == pl.Boolean


PLAN = Plan.model_validate(
    {"name": "x", "window_hours": 24, "arms": [{"name": "control", "share": 0.5}, {"name": "b", "share": 0.5}]}
)


@pytest.fixture
def start(database: sa.Engine) -> datetime:
    """When the experiment x was started; it runs."""
    return Experiments(database).start(PLAN).started_at


def shown(user_id: str, at: datetime, items: Sequence[str], arm: str = "control", experiment: str = "x") -> Exposure:
    return Exposure(experiment, user_id, arm, "2026-01-01-abcdef01", at, [Shown(item, 0.5) for item in items])


def did(user_id: str, item_id: str, event: str, at: datetime) -> Sent:
    return Sent(f"{user_id} {item_id} {event} {at}", user_id, item_id, event, at)


def rows_of(database: sa.Engine, now: datetime) -> list[tuple[object, ...]]:
    frame = Experiments(database).outcomes("x", now)
    assert frame.columns == [*COLUMNS, "events", "hits_before", "events_before", "rejected_before"]
    return frame.select("user_id", "arm", "settled", "converted", "rejected").rows()


def test_nobody_who_was_shown_nothing_has_an_outcome(database: sa.Engine, start: datetime) -> None:
    EventStore(database).append([did("u", "1", "like", start + HOUR)])
    assert rows_of(database, start + 48 * HOUR) == []
    frame = Experiments(database).outcomes("x")
    assert frame.schema["converted"] == pl.Boolean


@pytest.mark.parametrize(
    ("item", "event", "hours", "converted", "rejected"),
    [
        ("1", "like", 1, True, False),
        ("1", "complete", 1, True, False),
        ("1", "view", 1, False, False),
        ("1", "dislike", 1, False, True),
        ("1", "hide", 1, False, True),
        ("9", "like", 1, False, False),
        ("1", "like", -0.01, False, False),
        ("1", "like", 0, True, False),
        ("1", "like", 23.99, True, False),
        ("1", "like", 24, False, False),
        ("2", "like", 2.99, False, False),
        ("2", "like", 3, True, False),
        ("3", "like", 25.5, False, False),
    ],
)
def test_what_happens_after_an_item_was_shown_and_within_the_window_counts(
    database: sa.Engine, start: datetime, item: str, event: str, hours: float, converted: bool, rejected: bool
) -> None:
    first = start + HOUR
    lists = [shown("u", first, ["1"]), shown("u", first + 3 * HOUR, ["2"]), shown("u", first + 25 * HOUR, ["3"])]
    Experiments(database).log_exposures(lists)
    events = [did("u", item, event, first + hours * HOUR), did("somebody else", "1", "like", first + HOUR)]
    EventStore(database).append(events)
    assert rows_of(database, first + 24 * HOUR) == [("u", "control", True, converted, rejected)]


def test_a_user_counts_once_in_the_arm_of_the_first_list_in_the_order_of_first_lists(
    database: sa.Engine, start: datetime
) -> None:
    lists = [
        shown("late", start + 3 * HOUR, ["1"], "b"),
        shown("u", start + 2 * HOUR, ["1"], "b"),
        shown("u", start + HOUR, ["1"], "control"),
        shown("empty", start, [], "b"),
        shown("u", start - HOUR, ["1"], "b", experiment="another"),
    ]
    Experiments(database).log_exposures(lists)
    EventStore(database).append([did("u", "1", "like", start + 4 * HOUR), did("u", "1", "hide", start + 5 * HOUR)])
    assert rows_of(database, start + 25.5 * HOUR) == [
        ("empty", "b", True, False, False),
        ("u", "control", True, True, True),
        ("late", "b", False, False, False),
    ]


def test_looking_takes_the_clocks_time_when_none_is_given(database: sa.Engine, start: datetime) -> None:
    now = datetime.now(UTC)
    Experiments(database).log_exposures([shown("old", now - 25 * HOUR, ["1"]), shown("new", now, ["1"])])
    assert Experiments(database).outcomes("x")["settled"].to_list() == [True, False]
