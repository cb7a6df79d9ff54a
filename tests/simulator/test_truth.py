from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.errors import DataRefused
from nightschool.simulator.truth import Truth, elapsed_share, true_affinity


@pytest.fixture
def truth() -> Truth:
    """Three users (the last a bot), two groups, two interests, four items."""
    return Truth(
        activity=np.array([0.5, 0.3, 0.2]),
        bots=np.array([False, False, True]),
        groups=np.array([0, 1, 1], dtype=np.int32),
        early=np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8]], dtype=np.float32),
        late=np.array([[0.0, 1.0], [0.25, 0.75], [0.2, 0.8]], dtype=np.float32),
        popularity=np.array([0.1, 0.2, 0.3, 0.4]),
        pull=np.array([[1.0, 2.0], [3.0, 1.0], [1.0, 1.0], [0.5, 4.0]]),
        fit=np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [1.0, 3.0]]),
        period_start=datetime(2025, 1, 1, tzinfo=UTC),
        period_end=datetime(2025, 1, 11, tzinfo=UTC),
    )


def by_the_formula(truth: Truth, user: int, item: int, elapsed: float) -> float:
    if truth.bots[user]:
        return float(truth.popularity[item])
    group = truth.groups[user]
    total = 0.0
    for interest in range(truth.pull.shape[1]):
        share = (1 - elapsed) * truth.early[user, interest] + elapsed * truth.late[user, interest]
        weights = [truth.pull[j, interest] * truth.fit[j, group] for j in range(len(truth.popularity))]
        total += share * weights[item] / sum(weights)
    return total


@pytest.mark.parametrize("elapsed", [0.0, 0.3, 1.0])
def test_affinity_is_the_documented_formula(truth: Truth, elapsed: float) -> None:
    users = [2, 0, 1, 0]
    expected = [[by_the_formula(truth, user, item, elapsed) for item in range(4)] for user in users]
    affinity = true_affinity(truth, np.array(users) + 1, elapsed)
    assert affinity.dtype == np.float32
    np.testing.assert_allclose(affinity, expected, rtol=1e-6)
    np.testing.assert_allclose(affinity.sum(axis=1), 1.0, rtol=1e-6)


def test_a_hand_computed_probability(truth: Truth) -> None:
    # User 1 starts with the first interest only, and is of group 0: weights 1·1, 3·2, 1·1, 0.5·1.
    np.testing.assert_allclose(true_affinity(truth, np.array([1]), 0.0), np.array([[2, 12, 2, 1]]) / 17, rtol=1e-6)


def test_one_table_holds_all_of_it(truth: Truth, tmp_path: Path) -> None:
    truth.write(tmp_path / "truth.parquet")
    again = Truth.read(tmp_path / "truth.parquet")
    for name, value in vars(truth).items():
        read = getattr(again, name)
        assert np.array_equal(read, value)
        if isinstance(value, np.ndarray):
            assert read.dtype == value.dtype
    assert pl.read_parquet(tmp_path / "truth.parquet")["kind"].to_list() == ["user"] * 3 + ["item"] * 4


def test_a_table_without_an_order_is_older(truth: Truth, tmp_path: Path) -> None:
    replace(truth, places=np.arange(4, dtype=np.int32)).write(tmp_path / "truth.parquet")
    assert Truth.read(tmp_path / "truth.parquet").places.tolist() == [0, 1, 2, 3]
    pl.read_parquet(tmp_path / "truth.parquet").drop("place").write_parquet(tmp_path / "older.parquet")
    assert Truth.read(tmp_path / "older.parquet").places is None


def test_another_table_is_refused(tmp_path: Path) -> None:
    for frame in (pl.DataFrame({"kind": ["user"]}), pl.DataFrame({"x": [1]})):
        frame.write_parquet(tmp_path / "truth.parquet")
        with pytest.raises(DataRefused, match=r"truth\.parquet"):
            Truth.read(tmp_path / "truth.parquet")


def test_elapsed_runs_from_zero_to_one(truth: Truth) -> None:
    assert elapsed_share(truth, truth.period_start) == 0
    assert elapsed_share(truth, datetime(2025, 1, 6, tzinfo=UTC)) == 0.5
    assert elapsed_share(truth, truth.period_end) == 1
