from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nightschool.experiments.assignment import assign_arm, assign_arms
from nightschool.experiments.plan import Experiment

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


def experiment(name: str, salt: str = "salt", **more: Any) -> Experiment:
    arms = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Experiment.model_validate({"name": name, "arms": arms, "salt": salt, "started_at": start, **more})


def named(experiments: list[Experiment], user: str, scenario: str = "") -> list[tuple[str, str]]:
    return [(each.name, arm.name) for each, arm in assign_arms(experiments, user, scenario)]


def test_experiments_of_one_layer_share_out_its_users() -> None:
    both = [experiment("one", ranges=[(0.0, 0.3)]), experiment("two", ranges=[(0.3, 0.5), (0.8, 1.0)])]
    found = [[name for name, _ in named(both, user)] for user in USERS]
    assert {len(each) for each in found} == {0, 1}
    shares = [sum(each == [name] for each in found) / len(USERS) for name in ("one", "two")]
    assert shares == pytest.approx([0.3, 0.4], abs=0.01)


def test_layers_share_out_users_independently_of_each_other_and_of_arms() -> None:
    whole = experiment("whole", salt="w")
    parts = [experiment("part", layer=layer, ranges=[(0.0, 0.5)]) for layer in ("x", "y")]
    inside = np.array([[bool(named([part], user)) for part in parts] for user in USERS])
    arm = np.array([named([whole], user)[0][1] == "a" for user in USERS])
    for first, second in ((inside[:, 0], inside[:, 1]), (inside[:, 0], arm)):
        assert (
            stats.chi2_contingency(
                [
                    [int((first & second).sum()), int((first & ~second).sum())],
                    [int((~first & second).sum()), int((~first & ~second).sum())],
                ]
            ).pvalue
            > 0.001
        )


def test_a_user_s_part_of_a_layer_never_changes() -> None:
    # A running experiment would lose people.
    part = experiment("part", layer="x", ranges=[(0.0, 0.5)])
    assert [bool(named([part], user)) for user in ("1", "2", "3", "4", "5", "6")] == [
        True,
        True,
        True,
        False,
        False,
        True,
    ]


def test_an_experiment_is_where_its_scenarios_are() -> None:
    limited = experiment("limited", scenarios=["home", ""])
    assert [bool(named([limited], "1", scenario)) for scenario in ("", "home", "below")] == [True, True, False]


def test_a_held_out_user_is_in_the_holdout_alone() -> None:
    arms = [{"name": "holdout", "share": 0.1}, {"name": "others", "share": 0.9}]
    both = [experiment("held", layer="holdout", arms=arms), experiment("x", salt="other")]
    found = [named(both, user) for user in USERS]
    held = sum(each == [("held", "holdout")] for each in found)
    assert held / len(USERS) == pytest.approx(0.1, abs=0.01)
    assert {len(each) for each in found} == {1, 2}
    assert sum(len(each) == 1 for each in found) == held
