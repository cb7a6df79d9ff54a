import numpy as np
import pytest
from scipy import stats

from nightschool.experiments.assignment import assign_arm

SHARES = (0.5, 0.3, 0.2)
USERS = [*map(str, range(20_000)), *(f"learner ü 学 {n}" for n in range(20_000))]


def arms(salt: str, shares: tuple[float, ...] = SHARES) -> np.ndarray:
    return np.array([assign_arm(salt, user, shares) for user in USERS])


def test_arms_are_filled_by_their_shares() -> None:
    for salt in ("a", "b", "c"):
        counts = np.bincount(arms(salt), minlength=3)
        assert stats.chisquare(counts, np.array(SHARES) * len(USERS)).pvalue > 0.001


def test_a_user_stays_in_an_arm() -> None:
    assert (arms("salt") == arms("salt")).all()
    # What is drawn must never change: a running experiment would move people.
    assert [assign_arm("salt", user, SHARES) for user in ("1", "2", "3", "4", "ü", "")] == [2, 0, 1, 0, 0, 0]


def test_another_salt_shares_out_the_same_people_independently() -> None:
    table = np.zeros((3, 3))
    np.add.at(table, (arms("a"), arms("b")), 1)
    assert stats.chi2_contingency(table).pvalue > 0.001


@pytest.mark.parametrize("user", ["", "\ud800", "x" * 100_000, "salt:1"])
def test_any_text_has_an_arm(user: str) -> None:
    assert assign_arm("salt", user, SHARES) in (0, 1, 2)


def test_shares_that_round_below_one_leave_nobody_out() -> None:
    assert set(arms("salt", (0.1,) * 10)) == set(range(10))
    assert set(arms("salt", (0.2, 0.3))) == {0, 1}
