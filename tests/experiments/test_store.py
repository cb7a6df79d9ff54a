from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from nightschool.errors import Busy, ConfigurationError, Conflict, NotFound
from nightschool.experiments.plan import Plan
from nightschool.experiments.store import Experiments, Exposure, Shown

TEXT = """
name = "more-content"
explore = 0.02
window_hours = 24
[[arms]]
name = "control"
share = 0.5
[[arms]]
name = "content"
share = 0.5
alpha = 0.6
rules = { exclude = [32], quota = { column = "domain", most = 3 } }
"""


@pytest.fixture
def experiments(database: sa.Engine) -> Experiments:
    return Experiments(database)


def plan(**more: Any) -> Plan:
    arms = [{"name": "control", "share": 0.5}, {"name": "content", "share": 0.5, "alpha": 0.6}]
    return Plan.model_validate({"name": "more-content", "arms": arms, **more})


def load(tmp_path: Path, text: str) -> Plan:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    return Plan.load(tmp_path / "x.toml")


def test_a_plan_is_a_toml_file(tmp_path: Path) -> None:
    read = load(tmp_path, TEXT)
    assert (read.name, read.explore, read.window_hours) == ("more-content", 0.02, 24)
    assert [(arm.name, arm.share, arm.alpha) for arm in read.arms] == [("control", 0.5, None), ("content", 0.5, 0.6)]
    assert read.arms[1].rules == {"exclude": [32], "quota": {"column": "domain", "most": 3}}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("share = 0.5\nalpha", "share = 0.4\nalpha", "arms; the shares of all arms must sum to 1"),
        ('"content"', '"control"', "arms; each arm needs a name of its own"),
        ("alpha = 0.6", "alpha = 1.6", r"arms\.1\.alpha; saw 1\.6; Input should be less than or equal to 1"),
        ("explore = 0.02", "explore = 0.5", r"explore; saw 0\.5"),
        ("window_hours = 24", "window_hours = 0", "window_hours; saw 0"),
        ("window_hours", "windows", "windows"),
        ("[[arms]]", "[arms", "is not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"x\.toml.*{told}"):
        load(tmp_path, TEXT.replace(old, new))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file.*x\.toml"):
        Plan.load(tmp_path / "x.toml")


def test_one_arm_tries_nothing() -> None:
    with pytest.raises(ValidationError):
        plan(arms=[{"name": "control", "share": 0.5}])


def test_an_experiment_runs_until_it_is_stopped(experiments: Experiments) -> None:
    assert (experiments.running(), experiments.all()) == (None, ())
    before = datetime.now(UTC)
    started = experiments.start(plan(explore=0.1))
    assert before <= started.started_at <= datetime.now(UTC)
    assert experiments.running() == experiments.get("more-content") == started
    assert (started.shares, started.explore, started.window.total_seconds()) == ((0.5, 0.5), 0.1, 86_400)
    stopped = experiments.stop("more-content", "shown better")
    assert stopped.stopped_at is not None
    assert (stopped.reason, stopped.salt) == ("shown better", started.salt)
    assert experiments.running() is None
    assert experiments.all() == (stopped,)


def test_one_runs_at_a_time_under_a_name_of_its_own_and_a_salt_of_its_own(experiments: Experiments) -> None:
    first = experiments.start(plan())
    with pytest.raises(Busy, match="another experiment runs; saw 'more-content'"):
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
