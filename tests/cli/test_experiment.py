from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from nightschool.experiments.store import Experiments, Exposure, Shown
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent
from tests.cli.conftest import Run, require_refusal
from tests.serving.homes import make_home

PLAN = """
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
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "more-content.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def take_part(home: Path, n_users: int, rates: tuple[float, float], first: int = 0, lost: float = 0.0) -> None:
    """People are shown an item yesterday, and some like it."""
    engine = open_database(f"sqlite:///{home / 'events.db'}")
    rng = np.random.default_rng(0)
    at = datetime.now(UTC) - timedelta(hours=30)
    arms = (rng.random(n_users) > 0.5 + lost / 2).astype(int)
    likes = np.flatnonzero(rng.random(n_users) < np.array(rates)[arms])
    Experiments(engine).log_exposures(
        [
            Exposure("more-content", f"u{first + n}", ("control", "content")[arm], "r", at, [Shown("1", 0.9)])
            for n, arm in enumerate(arms)
        ]
    )
    for block in np.array_split(likes, 10):
        events = [Sent(f"e{n}", f"u{first + n}", "1", "like", at + timedelta(hours=1)) for n in block]
        EventStore(engine).append(events)
    engine.dispose()


@pytest.fixture
def started(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An experiment runs since two days ago."""
    ago = datetime.now(UTC) - timedelta(days=2)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return ago

    with monkeypatch.context() as patch:
        patch.setattr("nightschool.experiments.store.datetime", Clock)
        assert run("experiment", "start", file).code == 0


def test_an_experiment_is_started_looked_at_and_stopped(run: Run, file: Path) -> None:
    document = run("experiment", "start", file, "--json").document
    assert (document["name"], document["explore"], len(document["arms"])) == ("more-content", 0.02, 2)
    (status,) = run("experiment", "status", "--json").document["experiments"]
    assert status["salt"] == document["salt"]
    control, content = status["result"]["arms"]
    assert (control["users"], control["rate"], control["verdict"]) == (0, None, None)
    assert content["verdict"] == "no difference shown yet"
    shown = run("experiment", "status", "more-content")
    assert (shown.code, shown.err) == (0, "")
    assert "too few users yet" in shown.out
    assert "stopped by hand" in run("experiment", "stop").out
    assert "stopped" in run("experiment", "status").out


def test_starting_tells_what_the_arms_differ_by(run: Run, file: Path) -> None:
    out = run("experiment", "start", file).out
    for told in ("control", "nothing: as published", "content", "50.0%", "α = 0.6"):
        assert told in out
    assert run("experiment", "stop", "more-content", "--reason", "enough", "--json").document["reason"] == "enough"


@pytest.mark.usefixtures("started")
def test_a_true_effect_is_told_with_its_interval(run: Run, home: Path) -> None:
    take_part(home, 6_000, (0.10, 0.20))
    result = run("experiment", "status", "more-content", "--json").document["result"]
    control, content = result["arms"]
    assert control["users"] + content["users"] == control["settled"] + content["settled"] == 6_000
    value, low, high = content["difference"]
    assert 0 < low <= value <= high
    assert value == pytest.approx(content["rate"][0] - control["rate"][0])
    assert (content["verdict"], content["harmed"], result["arms_filled_as_planned"]) == ("better", [], True)
    shown = run("experiment", "status").out
    for told in ("better", f"{100 * value:+.2f} % ({100 * low:+.2f} to", "control", "Arms are filled as planned"):
        assert told in shown


@pytest.mark.usefixtures("started")
def test_a_broken_assignment_makes_the_verdict_void(run: Run, home: Path) -> None:
    take_part(home, 4_000, (0.10, 0.20), lost=0.2)
    result = run("experiment", "status", "more-content", "--json").document["result"]
    assert not result["arms_filled_as_planned"]
    assert result["arms"][1]["verdict"] == "void"
    assert "NOT filled as planned" in run("experiment", "status").out


def test_what_cannot_be_done_is_told(run: Run, file: Path, tmp_path: Path) -> None:
    require_refusal(run("experiment", "stop"), 5, "no experiment runs", "experiment start FILE.toml")
    require_refusal(run("experiment", "status"), 5, "there is no experiment yet")
    require_refusal(run("experiment", "start", tmp_path / "no.toml"), 2, "no such file", "no.toml")
    run("experiment", "start", file)
    require_refusal(run("experiment", "start", file), 2, "there was an experiment of that name", "'more-content'")
    other = tmp_path / "other.toml"
    other.write_text(PLAN.replace("more-content", "other"), encoding="utf-8")
    require_refusal(run("experiment", "start", other), 6, "layer default has not enough users", "more-content (100%)")
    other.write_text('layer = "two"' + PLAN.replace("more-content", "other"), encoding="utf-8")
    require_refusal(run("experiment", "start", other), 2, "sets the same", "alpha, explore: set by more-content")
    other.write_text('scenarios = ["home"]' + PLAN.replace("more-content", "other"), encoding="utf-8")
    require_refusal(run("experiment", "start", other), 2, "no such scenario", "'home'")
    require_refusal(run("experiment", "status", "other"), 5, "no experiment of that name", "'other'")
    require_refusal(run("experiment", "stop", "other"), 5, "no experiment of that name runs", "'other'")


def test_an_arm_with_a_faulty_filter_is_refused_with_its_position(run: Run, file: Path, home: Path) -> None:
    file.write_text(PLAN.replace("alpha = 0.6", "rules = { filter = 'price = 3' }"), encoding="utf-8")
    require_refusal(run("experiment", "start", file), 2, "rule filter", "character 7", "write ==")
    assert not home.exists()


def test_looking_makes_nothing_in_a_home_without_experiments(run: Run, home: Path) -> None:
    require_refusal(run("experiment", "status"), 5, "there is no experiment yet")
    assert not home.exists()


def test_several_experiments_and_a_holdout_run_at_once(run: Run, file: Path, home: Path) -> None:
    assert "5.0% of the users get no experiments" in run("experiment", "holdout", "0.05").out
    (home / "scenarios.toml").write_text("[home]\nk = 5\n", encoding="utf-8")
    file.write_text("share = 0.4" + PLAN, encoding="utf-8")
    assert "on 40.0% of the layer default" in run("experiment", "start", file).out
    file.write_text('scenarios = ["home", ""]\nshare = 0.6' + PLAN.replace("more-content", "two"), encoding="utf-8")
    assert "in home, in lists without a scenario" in run("experiment", "start", file).out
    known = run("experiment", "status", "--json").document["experiments"]
    assert [each["name"] for each in known] == ["holdout", "more-content", "two"]
    assert run("experiment", "status").out.count("Experiment ") == 3
    require_refusal(run("experiment", "stop"), 2, "several experiments run", "more-content, two")
    run("experiment", "stop", "two")
    assert "more-content is stopped" in run("experiment", "stop").out
    assert "holdout is ended" in run("experiment", "holdout", "0").out
    require_refusal(run("experiment", "holdout", "0"), 5, "there is no holdout")


def test_a_size_is_told_before_an_experiment_starts(run: Run, file: Path, home: Path) -> None:
    make_home(home)
    document = run("experiment", "size", file, "--json").document
    assert document["metric"] == "conversion"
    assert document["users"]["control"] == document["users"]["content"] >= 100
    assert [each["days"] for each in document["detectable"]] == [7, 14, 28, 56]
    shown = run("experiment", "size", file).out
    assert f"control {document['users']['control']:,}" in shown
    assert "56 days" in shown
    assert "after a first event, on any item" in shown
    assert not (home / "events.db").exists()


@pytest.mark.usefixtures("started")
def test_a_size_is_measured_on_lists_once_an_experiment_showed_them(run: Run, file: Path, home: Path) -> None:
    make_home(home)
    take_part(home, 2_000, (0.10, 0.20))
    document = run("experiment", "size", file, "--json").document
    assert document["measured_on"] == "more-content"
    assert document["mean"] == pytest.approx(0.1, abs=0.02)
    assert "in the control of more-content" in run("experiment", "size", file).out
