"""What came of users' days, from lists, impressions and events in a real database."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from nightschool.experiments.plan import Experiment, Plan
from nightschool.experiments.store import Experiments
from nightschool.experiments.user_days import read_user_days
from nightschool.shown.impression_store import ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.storage.events import EventStore
from tests.shown.given import HOUR, START, a_list, did, seen

PLAN = {"name": "try", "allocation": "thompson", "arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]}
ARMS = {"a": '{"try":"a"}', "b": '{"other":"x","try":"b"}', "none": '{"other":"x"}'}
FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


@pytest.fixture
def experiment(database: sa.Engine) -> Experiment:
    started = Experiments(database).start(Plan.model_validate(PLAN))
    return started.model_copy(update={"started_at": START - HOUR})


def shown_to(user: str, hours: float, arm: str, database: sa.Engine, made: float | None = None, **told: bool) -> None:
    name = f"{user}-{hours}"
    made_at = START + (hours if made is None else made) * HOUR
    ListStore(database).append([a_list(name, ["i", "j"], user, arms=ARMS[arm], made_at=made_at, **told)])
    ImpressionStore(database).append([seen(name, hours, user_id=user)])


def test_each_day_of_a_user_counts_once(database: sa.Engine, experiment: Experiment) -> None:
    shown_to("u", 1, "a", database)
    shown_to("u", 3, "a", database)
    shown_to("u", 25, "b", database)
    shown_to("v", 2, "b", database)
    EventStore(database).append([did("j", 4, "like"), did("i", 30, "view"), did("i", 5, "dislike", user_id="v")])
    found = read_user_days(database, experiment, START + 50 * HOUR).rows()
    assert sorted(found) == [
        ("u", FIRST, "a", True, True),
        ("u", SECOND, "b", True, False),
        ("v", FIRST, "b", True, False),
    ]


def test_a_day_is_settled_when_the_window_of_all_that_was_shown_is_over(
    database: sa.Engine, experiment: Experiment
) -> None:
    shown_to("u", 1, "a", database)
    shown_to("u", 5, "a", database)
    for hours, settled in ((28, False), (29, True)):
        assert read_user_days(database, experiment, START + hours * HOUR)["settled"].to_list() == [settled]


def test_a_list_seen_after_midnight_is_of_the_day_that_drew_its_arm(
    database: sa.Engine, experiment: Experiment
) -> None:
    shown_to("u", 24.5, "a", database, made=23)
    assert read_user_days(database, experiment, START + timedelta(days=3))["day"].to_list() == [FIRST]


def test_lists_of_others_count_nowhere(database: sa.Engine, experiment: Experiment) -> None:
    shown_to("u", 1, "none", database)
    shown_to("v", 1, "a", database, tuned=True)
    assert read_user_days(database, experiment, START + timedelta(days=3)).is_empty()
