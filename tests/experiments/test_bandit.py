import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.errors import ConfigurationError
from nightschool.experiments.bandit import Rewards, chances_of_being_best, discounted, thompson_shares


def rewards(*arms: tuple[float, float]) -> Rewards:
    """Of each arm: trials and hits."""
    trials, hits = np.array(arms, dtype=float).T
    return Rewards(trials, hits)


def test_without_results_all_arms_are_equal() -> None:
    assert thompson_shares(rewards((0, 0), (0, 0), (0, 0), (0, 0)), 0.05) == pytest.approx([0.25] * 4)


def test_the_chance_of_being_best_equals_drawing_from_the_posteriors() -> None:
    found = rewards((200, 12), (150, 14), (400, 20), (10, 1))
    rng = np.random.default_rng(1)
    drawn = rng.beta(1 + found.hits, 1 + found.trials - found.hits, (400_000, 4)).argmax(axis=1)
    assert chances_of_being_best(found) == pytest.approx(np.bincount(drawn, minlength=4) / len(drawn), abs=0.004)


def test_two_arms_with_one_result_have_the_chance_of_the_closed_form() -> None:
    # Beta(2, 1) against Beta(1, 1): the mean of Beta(2, 1)
    assert chances_of_being_best(rewards((1, 1), (0, 0))) == pytest.approx([2 / 3, 1 / 3], abs=3e-3)


def test_many_results_decide_and_the_floor_stays() -> None:
    shares = thompson_shares(rewards((100_000, 5_000), (100_000, 6_000), (100_000, 5_500)), 0.1)
    assert shares == pytest.approx([0.1, 0.8, 0.1], abs=1e-4)


def test_older_days_weigh_half_after_each_half_life() -> None:
    trials, hits = np.array([[8.0, 8], [4, 0], [2, 2]]), np.array([[8.0, 0], [4, 0], [2, 1]])
    assert [list(each) for each in discounted(trials, hits, 1)] == [[6, 4], [6, 1]]
    assert [list(each) for each in discounted(trials, hits, None)] == [[14, 10], [14, 1]]
    assert discounted(trials[:0], hits[:0], 7).trials.tolist() == [0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 1)), min_size=2, max_size=6),
    st.floats(0, 1 / 6, allow_subnormal=False),
)
def test_shares_are_a_whole_and_no_arm_is_below_the_floor(arms: list[tuple[int, float]], floor: float) -> None:
    shares = thompson_shares(rewards(*((n, round(n * rate)) for n, rate in arms)), floor)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() >= floor - 1e-12


def test_floors_that_exceed_the_whole_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at most 1 / 3"):
        thompson_shares(rewards((0, 0), (0, 0), (0, 0)), 0.4)
