import numpy as np
import pytest

from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.gaps import LEAST, gaps_to_another, gaps_to_others

N = 400
USERS = np.arange(N, dtype=np.int32)


def evaluation(values: np.ndarray, users: np.ndarray = USERS) -> Evaluation:
    return Evaluation(users, {"ndcg": {10: values}}, {})


def groups(n_first: int = 200) -> dict[str, np.ndarray]:
    first = N * [False]
    first[:n_first] = n_first * [True]
    mask = np.array(first)
    return {"all": np.ones(N, dtype=bool), "team:a": mask, "team:b": ~mask, "activity:new": np.ones(N, dtype=bool)}


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(N)


def test_a_planted_gap_is_shown_with_its_interval_on_both_sides():
    values = noise() + np.where(groups()["team:a"], 0.2, 0.0)
    first, second = gaps_to_others(evaluation(values), groups())
    assert (first.segment, second.segment) == ("team:a", "team:b")
    assert first.shown
    assert first.ci_low < 0.2 < first.ci_high
    assert first.difference == pytest.approx(-second.difference)
    assert (first.n_users, second.n_users) == (200, 200)


def test_a_segment_is_compared_with_its_own_kind_alone():
    # Everybody is new: there is nobody else to compare with.
    assert "activity:new" not in {gap.segment for gap in gaps_to_others(evaluation(noise()), groups())}


@pytest.mark.parametrize(("n_first", "compared"), [(LEAST - 1, 0), (LEAST, 2)])
def test_small_segments_are_withheld(n_first, compared):
    assert len(gaps_to_others(evaluation(noise()), groups(n_first))) == compared


def test_chance_findings_are_rare_over_all_comparisons_together():
    found = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 8, N)
        named = {f"team:{label}": labels == label for label in range(8)}
        found += any(gap.shown for gap in gaps_to_others(evaluation(rng.random(N)), named))
    assert found / 200 <= 0.09  # 5 %, with its own chance


@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_a_loss_beyond_the_margin_is_shown_and_a_gain_never_is(spread):
    other = np.round(noise(), 2)
    worse = other - np.where(groups()["team:a"], 0.25, -0.25) + spread * np.random.default_rng(3).normal(size=N)
    lost = {gap.segment: gap.shown for gap in gaps_to_another(evaluation(worse), evaluation(other), groups())}
    assert lost == {"team:a": True, "team:b": False, "activity:new": False}
    spared = gaps_to_another(evaluation(worse), evaluation(other), groups(), margin=0.4)
    assert not any(gap.shown for gap in spared)


def test_only_evaluated_users_count():
    users = USERS[::2]
    found = gaps_to_others(evaluation(noise()[::2], users), groups())
    assert [gap.n_users for gap in found] == [100, 100]
