"""Who is in which arms, and what is written down of what they showed."""

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nightschool.experiments.allocation import Allocations
from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.plan import Experiment, Plan
from nightschool.experiments.store import Experiments
from nightschool.storage.database import open_database
from serving.answers import ListRequest, make_list
from serving.experiment_assignment import AssignedArms, RunningExperiments
from serving.rules import Rules
from serving.snapshot import Snapshot
from tests.serving.conftest import Served
from tests.serving.sent import learner

ALPHA = {"name": "b", "share": 0.5, "alpha": 0.2}
RULED = {"name": "b", "share": 0.5, "rules": {"quota": 2}}


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


@pytest.fixture
def experiments(tmp_path: Path) -> Experiments:
    return Experiments(open_database(f"sqlite:///{tmp_path}/events.db"))


def plan(second: dict[str, Any] = RULED, **told: Any) -> Plan:
    return Plan.model_validate({"name": "try", "arms": [{"name": "a", "share": 0.5}, second], **told})


def started(experiments: Experiments, second: dict[str, Any] = RULED, **told: Any) -> RunningExperiments:
    experiments.start(plan(second, **told))
    running = RunningExperiments(experiments, Allocations(experiments._engine))
    assert running.refresh(with_content=True)
    return running


def assigned_arm(explore: float, salt: str = "salt") -> AssignedArms:
    told = {**plan(explore=explore).model_dump(), "salt": salt, "started_at": datetime.fromisoformat("2026-11-28T00Z")}
    experiment = Experiment.model_validate(told)
    return AssignedArms(((experiment, experiment.arms[0]),))


def test_while_nothing_is_tried_nobody_is_in_an_arm(experiments: Experiments) -> None:
    running = RunningExperiments(experiments, Allocations(experiments._engine))
    assert not running.refresh(with_content=True)
    assert (running.running, running.arms_of(1, ""), running.assigned((("try", "a"),)).assigned) == ((), (), ())


def test_arms_are_drawn_by_the_salted_hash_and_by_their_shares(experiments: Experiments) -> None:
    running = started(experiments)
    (experiment,) = running.running
    arms = [arm for user in range(2_000) for _, arm in running.arms_of(user, "")]
    assert arms == ["ab"[assign_arm(experiment.salt, str(user), (0.5, 0.5))] for user in range(2_000)]
    assert arms == [arm for user in range(2_000) for _, arm in running.arms_of(str(user), "")]
    assert 900 < Counter(arms)["a"] < 1_100


def test_all_processes_follow_an_experiment_from_start_to_stop(experiments: Experiments) -> None:
    here, there = started(experiments), RunningExperiments(experiments, Allocations(experiments._engine))
    assert there.refresh(with_content=True)
    assert not here.refresh(with_content=True)
    assert [here.arms_of(user, "") for user in range(50)] == [there.arms_of(user, "") for user in range(50)]
    experiments.stop("try", "enough")
    assert here.refresh(with_content=True)
    assert (here.running, here.arms_of(1, ""), here.assigned((("try", "a"),)).names) == ((), (), ())


def test_an_arm_sets_rules_over_the_installation_s(experiments: Experiments) -> None:
    running = started(experiments, {**RULED, "alpha": 0.2})
    first, second = running.assigned((("try", "a"),)), running.assigned((("try", "b"),))
    assert running.assigned((("try", "c"), ("other", "a"))).names == ()
    installed = Rules(quota=5, alpha=0.9, exclude_labels=("x",))
    assert first.rules(installed) == installed
    assert second.rules(installed) == Rules(quota=2, alpha=0.2, exclude_labels=("x",))


def test_an_experiment_with_alpha_rests_while_there_is_no_content(
    experiments: Experiments, caplog: pytest.LogCaptureFixture
) -> None:
    running = started(experiments, ALPHA)
    with caplog.at_level(logging.WARNING, "nightschool.serving"):
        assert running.refresh(with_content=False)
        assert not running.refresh(with_content=False)
    assert running.arms_of(1, "") == ()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["experiment try rests"]
    assert running.refresh(with_content=True)
    assert running.arms_of(1, "")


def test_an_arm_may_set_a_filter(experiments: Experiments, snapshot: Snapshot) -> None:
    running = started(experiments, {**RULED, "rules": {"filter": 'difficulty <= "Beginner"'}})
    assert not running.refresh(with_content=True, catalogue=snapshot.catalogue)
    rules = running.assigned((("try", "b"),)).rules(Rules(quota=5, filter='"python" in skills'))
    assert rules == Rules(quota=5, filter='difficulty <= "Beginner"')
    entries = make_list(snapshot, learner(snapshot), rules, ListRequest())
    assert {entry["difficulty"] for entry in entries} == {"Beginner"}


def test_an_experiment_rests_while_a_filter_does_not_fit_the_release(
    experiments: Experiments, snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    running = started(experiments, {**RULED, "rules": {"filter": "price < 20"}})
    with caplog.at_level(logging.WARNING, "nightschool.serving"):
        assert running.refresh(with_content=True, catalogue=snapshot.catalogue)
        assert not running.refresh(with_content=True, catalogue=snapshot.catalogue)
    assert running.arms_of(1, "") == ()
    (record,) = caplog.records
    told = "experiment try rests: arm b does not fit the release: filter, character 1: there is no such item column"
    assert record.getMessage().startswith(told)


def test_an_experiment_without_alpha_needs_no_content(experiments: Experiments) -> None:
    running = started(experiments)
    assert not running.refresh(with_content=False)
    assert len(running.running) == 1


def test_several_experiments_change_one_list_and_each_is_told_of_it(experiments: Experiments) -> None:
    experiments.start(plan({**RULED, "rules": {"quota": 2}}, name="mix", layer="mix"))
    running = started(experiments, ALPHA, scenarios=["home", ""])
    both = {running.arms_of(user, "") for user in range(200)}
    assert both == {(("mix", one), ("try", two)) for one in "ab" for two in "ab"}
    assert {running.arms_of(user, "below") for user in range(200)} == {(("mix", arm),) for arm in "ab"}
    assert running.assigned((("mix", "b"), ("try", "b"))).rules(Rules()) == Rules(quota=2, alpha=0.2)


def test_while_one_experiment_rests_the_others_run(experiments: Experiments) -> None:
    experiments.start(plan(name="mix", layer="mix"))
    running = started(experiments, ALPHA)
    assert running.refresh(with_content=False)
    assert [each.name for each in running.running] == ["mix"]


def test_who_is_held_out_is_in_no_experiment(experiments: Experiments) -> None:
    experiments.hold_out(0.2)
    running = started(experiments)
    found = Counter(running.arms_of(user, "") for user in range(4_000))
    held = found.pop((("holdout", "holdout"),))
    assert 700 < held < 900
    assert set(found) == {(("holdout", "others"), ("try", arm)) for arm in "ab"}


def test_an_experiment_may_explore_in_all_of_its_arms() -> None:
    assert assigned_arm(0.0).rules(Rules(explore=0.3)).explore == 0.3
    assert assigned_arm(0.1).rules(Rules(explore=0.3)).explore == 0.1
    ((experiment, arm),) = assigned_arm(0.1).assigned
    own = AssignedArms(((experiment, arm.model_copy(update={"rules": {"explore": 0.2}})),))
    assert own.rules(Rules()).explore == 0.2
