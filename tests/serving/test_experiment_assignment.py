"""Who is in which arm, and what is written down of what it showed."""

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nightschool.experiments.allocation import Allocations
from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.store import Experiment, Experiments, Plan
from nightschool.storage.database import open_database
from serving.answers import ListRequest, make_list
from serving.experiment_assignment import AssignedArm, RunningExperiment
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


def started(experiments: Experiments, second: dict[str, Any] = RULED, **told: Any) -> RunningExperiment:
    experiments.start(plan(second, **told))
    running = RunningExperiment(experiments, Allocations(experiments._engine))
    assert running.refresh(with_content=True)
    return running


def assigned_arm(explore: float, salt: str = "salt") -> AssignedArm:
    told = {**plan(explore=explore).model_dump(), "salt": salt, "started_at": datetime.fromisoformat("2026-11-28T00Z")}
    experiment = Experiment.model_validate(told)
    return AssignedArm(experiment, experiment.arms[0])


def test_while_nothing_is_tried_nobody_is_in_an_arm(experiments: Experiments) -> None:
    running = RunningExperiment(experiments, Allocations(experiments._engine))
    assert not running.refresh(with_content=True)
    assert (running.running, running.arm_of(1), running.arm("a"), running.arm(None)) == (None, None, None, None)


def test_arms_are_drawn_by_the_salted_hash_and_by_their_shares(experiments: Experiments) -> None:
    running = started(experiments)
    experiment = running.running
    assert experiment is not None
    arms = [running.arm_of(user) for user in range(2_000)]
    assert arms == ["ab"[assign_arm(experiment.salt, str(user), (0.5, 0.5))] for user in range(2_000)]
    assert arms == [running.arm_of(str(user)) for user in range(2_000)]
    assert 900 < Counter(arms)["a"] < 1_100


def test_all_processes_follow_an_experiment_from_start_to_stop(experiments: Experiments) -> None:
    here, there = started(experiments), RunningExperiment(experiments, Allocations(experiments._engine))
    assert there.refresh(with_content=True)
    assert not here.refresh(with_content=True)
    assert [here.arm_of(user) for user in range(50)] == [there.arm_of(user) for user in range(50)]
    experiments.stop("try", "enough")
    assert here.refresh(with_content=True)
    assert (here.running, here.arm_of(1), here.arm("a")) == (None, None, None)


def test_an_arm_sets_rules_over_the_installation_s(experiments: Experiments) -> None:
    running = started(experiments, {**RULED, "alpha": 0.2})
    first, second = running.arm("a"), running.arm("b")
    assert first is not None
    assert second is not None
    assert running.arm("c") is None
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
    assert running.arm_of(1) is None
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["experiment try rests"]
    assert running.refresh(with_content=True)
    assert running.arm_of(1) is not None


def test_an_arm_may_set_a_filter(experiments: Experiments, snapshot: Snapshot) -> None:
    running = started(experiments, {**RULED, "rules": {"filter": 'difficulty <= "Beginner"'}})
    assert not running.refresh(with_content=True, catalogue=snapshot.catalogue)
    arm = running.arm("b")
    assert arm is not None
    rules = arm.rules(Rules(quota=5, filter='"python" in skills'))
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
    assert running.arm_of(1) is None
    (record,) = caplog.records
    told = "experiment try rests: arm b does not fit the release: filter, character 1: there is no such item column"
    assert record.getMessage().startswith(told)


def test_an_experiment_without_alpha_needs_no_content(experiments: Experiments) -> None:
    running = started(experiments)
    assert not running.refresh(with_content=False)
    assert running.running is not None


def test_an_experiment_may_explore_in_all_of_its_arms() -> None:
    assert assigned_arm(0.0).rules(Rules(explore=0.3)).explore == 0.3
    arm = assigned_arm(0.1)
    assert arm.rules(Rules(explore=0.3)).explore == 0.1
    own = arm._replace(arm=arm.arm.model_copy(update={"rules": {"explore": 0.2}}))
    assert own.rules(Rules()).explore == 0.2
