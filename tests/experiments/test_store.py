from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from nightschool.errors import Busy, Conflict, NotFound
from nightschool.experiments.plan import Plan
from nightschool.experiments.store import Experiments, Exposure, Shown

B = {"name": "b", "share": 0.5}


@pytest.fixture
def experiments(database: sa.Engine) -> Experiments:
    return Experiments(database)


def plan(**more: Any) -> Plan:
    arms = [{"name": "control", "share": 0.5}, {"name": "content", "share": 0.5, "alpha": 0.6}]
    return Plan.model_validate({"name": "more-content", "arms": arms, **more})


def test_an_experiment_runs_until_it_is_stopped(experiments: Experiments) -> None:
    assert (experiments.running(), experiments.all()) == ((), ())
    before = datetime.now(UTC)
    started = experiments.start(plan(explore=0.1))
    assert before <= started.started_at <= datetime.now(UTC)
    assert experiments.running() == (experiments.get("more-content"),) == (started,)
    assert (started.shares, started.explore, started.window.total_seconds()) == ((0.5, 0.5), 0.1, 86_400)
    stopped = experiments.stop("more-content", "shown better")
    assert stopped.stopped_at is not None
    assert (stopped.reason, stopped.salt) == ("shown better", started.salt)
    assert experiments.running() == ()
    assert experiments.all() == (stopped,)


def test_one_has_a_whole_layer_alone_under_a_name_and_a_salt_of_its_own(experiments: Experiments) -> None:
    first = experiments.start(plan())
    with pytest.raises(Busy, match=r"the layer default has not enough users left; saw 'more-content \(100%\)'"):
        experiments.start(plan(name="other"))
    experiments.stop("more-content")
    with pytest.raises(Conflict, match="there was an experiment of that name; saw 'more-content'"):
        experiments.start(plan())
    second = experiments.start(plan(name="other"))
    assert len(first.salt) >= 32
    assert first.salt != second.salt
    assert [each.name for each in experiments.all()] == ["more-content", "other"]


def test_what_does_not_run_cannot_be_stopped(experiments: Experiments) -> None:
    experiments.start(plan())
    with pytest.raises(NotFound, match="no experiment of that name runs; saw 'other'"):
        experiments.stop("other")
    experiments.stop("more-content")
    with pytest.raises(NotFound):
        experiments.stop("more-content")
    with pytest.raises(NotFound, match="there is no experiment of that name; saw 'other'"):
        experiments.get("other")
    with pytest.raises(NotFound):
        experiments.outcomes("other")


def test_lists_keep_their_propensities_until_the_person_is_forgotten(
    experiments: Experiments, database: sa.Engine
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    lists = [Exposure("x", user, "b", "r", at, [Shown("ü", 0.98), Shown("2", 0.02 / 3)]) for user in ("u", "v", "u")]
    experiments.log_exposures(lists)
    experiments.log_exposures([])
    with database.connect() as connection:
        kept = connection.exec_driver_sql("SELECT user_id, items FROM exposures ORDER BY sequence").all()
    assert [user for user, _ in kept] == ["u", "v", "u"]
    assert '"propensity": 0.98' in kept[0][1]
    assert (experiments.forget("u"), experiments.forget("u"), experiments.forget("\0")) == (2, 0, 0)


def test_two_of_one_layer_share_its_users_and_another_layer_s_must_set_something_else(experiments: Experiments) -> None:
    first = experiments.start(plan(share=0.3))
    second = experiments.start(plan(name="second", share=0.7))
    assert (first.ranges, second.ranges) == (((0.0, 0.3),), ((0.3, 1.0),))
    with pytest.raises(Conflict, match="another layer's experiment sets the same; saw 'alpha: set by more-content'"):
        experiments.start(plan(name="third", layer="other"))
    third = experiments.start(plan(name="third", layer="other", explore=0.1, arms=[*plan().arms[:1], B]))
    assert experiments.running() == (first, second, third)


def test_a_holdout_takes_the_place_of_the_one_before_until_it_is_ended(experiments: Experiments) -> None:
    with pytest.raises(NotFound, match="there is no holdout"):
        experiments.hold_out(0.0)
    first = experiments.hold_out(0.05)
    assert (first.name, first.shares, first.holds_out) == ("holdout", (0.05, 0.95), True)
    experiments.start(plan())
    second = experiments.hold_out(0.1)
    assert [each.name for each in experiments.running()] == ["holdout-2", "more-content"]
    assert experiments.get("holdout").reason == "ended for a holdout of 10.0%"
    assert experiments.hold_out(0.0).name == second.name
    assert [each.name for each in experiments.running()] == ["more-content"]


def test_an_experiment_from_before_there_were_layers_runs_on(experiments: Experiments, database: sa.Engine) -> None:
    started = experiments.start(plan())
    lacking = "metric = NULL, effect = NULL, before_days = NULL, layer = NULL, share = NULL, ranges = NULL"
    with database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE experiments SET {lacking}, scenarios = NULL")
    (older,) = experiments.running()
    assert older == started.model_copy(update={"scenarios": ("",)})
    assert (older.shows_in(""), older.shows_in("home")) == (True, False)
