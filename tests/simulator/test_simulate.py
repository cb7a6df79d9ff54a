from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.errors import ConfigurationError
from nightschool.simulator.config import PERIOD_END, SimulatorConfig
from nightschool.simulator.engagements import mean_elapsed
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth

SMALL = {"users": 60, "items": 40, "interactions": 900}
MODES = ["latent", "independent"]
DRAWN = ["content_id", "title", "domain", "subtopic", "difficulty", "type"]
FROZEN = {
    "latent": {"users": "a0b70c0aab8b1fe3", "content": "ba27d03da7057929", "engagements": "4b58bc975562b8cc"},
    "independent": {"users": "a0b70c0aab8b1fe3", "content": "aa09790ea046f990", "engagements": "d12e29a93f1966f9"},
}
"""Hashes of the files before there was a curriculum, whose columns come after the others."""


@pytest.mark.parametrize("mode", MODES)
def test_the_files_have_the_promised_columns_and_rows(mode: str, tmp_path: Path) -> None:
    simulate(SimulatorConfig(mode=mode, **SMALL), tmp_path)
    users, content, log = (pl.read_csv(tmp_path / f"{name}.csv") for name in ("users", "content", "engagements"))
    assert users.columns == ["user_id", "title", "seniority", "department", "learning_style"]
    assert content.columns == [*DRAWN, "prerequisites", "skills"]
    assert log.columns == ["user_id", "content_id", "timestamp", "event", "duration_seconds", "liked"]
    assert (users.height, content.height, log.height) == (60, 40, 900)
    assert log["user_id"].is_between(1, 60).all()
    assert log["content_id"].is_between(1, 40).all()
    assert log["timestamp"].str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$").all()
    assert log["timestamp"].is_sorted()
    assert set(log["liked"].to_list()) == {True, None}


@pytest.mark.parametrize("mode", MODES)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(mode: str, tmp_path: Path) -> None:
    reports = [
        simulate(SimulatorConfig(mode=mode, seed=seed, **SMALL), tmp_path / name)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, again, other = ({file.name: file.read_bytes() for file in report.files} for report in reports)
    assert first == again
    assert all(first[name] != other[name] for name in first)


@pytest.mark.parametrize("mode", MODES)
def test_a_curriculum_changes_nothing_else(mode: str, tmp_path: Path) -> None:
    simulate(SimulatorConfig(mode=mode, **SMALL), tmp_path)
    content = pl.read_csv(tmp_path / "content.csv", infer_schema=False).select(DRAWN).write_csv().encode()
    files = {name: (tmp_path / f"{name}.csv").read_bytes() for name in ("users", "engagements")}
    found = {name: sha256(written).hexdigest()[:16] for name, written in {**files, "content": content}.items()}
    assert found == FROZEN[mode]


def test_the_users_are_the_same_in_both_modes(tmp_path: Path) -> None:
    files = [simulate(SimulatorConfig(mode=mode, **SMALL), tmp_path / mode).files[0] for mode in MODES]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_report_tells_what_was_written(tmp_path: Path) -> None:
    report = simulate(SimulatorConfig(users=500, items=40, interactions=5_000), tmp_path)
    assert [file.name for file in report.files] == ["users.csv", "content.csv", "engagements.csv", "truth.parquet"]
    assert (report.users, report.items, report.interactions, report.bots) == (500, 40, 5_000, 2)
    assert datetime(2024, 7, 1, tzinfo=UTC) <= report.first < report.last < PERIOD_END
    truth = Truth.read(tmp_path / "truth.parquet")
    assert truth.bots.sum() == 2
    assert truth.period_end == PERIOD_END


def test_an_earlier_truth_does_not_outlive_its_data(tmp_path: Path) -> None:
    simulate(SimulatorConfig(mode="latent", damage=0.1, **SMALL), tmp_path)
    simulate(SimulatorConfig(mode="independent", **SMALL), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["content.csv", "engagements.csv", "users.csv"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("not a folder")
    for out in (taken, taken / "below"):
        with pytest.raises(ConfigurationError, match="taken"):
            simulate(SimulatorConfig(**SMALL), out)
    assert taken.read_text() == "not a folder"


@settings(max_examples=15, deadline=None)
@given(
    st.builds(
        SimulatorConfig,
        users=st.integers(1, 300),
        items=st.integers(1, 20),
        interactions=st.integers(1, 200),
        days=st.integers(1, 9),
        mode=st.sampled_from(MODES),
        seed=st.integers(0, 2**40),
    )
)
def test_every_size_works(tmp_path_factory: pytest.TempPathFactory, config: SimulatorConfig) -> None:
    report = simulate(config, tmp_path_factory.mktemp("out"))
    assert pl.read_csv(report.files[2]).height == config.interactions
    assert config.period_start <= report.first <= report.last < PERIOD_END
    assert 0 < mean_elapsed(config) < 1
