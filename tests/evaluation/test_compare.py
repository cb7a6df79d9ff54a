import numpy as np
import pytest

from nightschool.errors import NightschoolError
from nightschool.evaluation.compare import compare
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.metrics import Float64s


def evaluation(values: Float64s, users: list[int] | None = None) -> Evaluation:
    indices = np.array(users if users is not None else range(len(values)), dtype=np.int32)
    return Evaluation(indices, {"ndcg": {10: values}}, {})


BASE = np.random.default_rng(0).random(300)
NOISE = np.random.default_rng(1).normal(0, 0.05, 300)


@pytest.mark.parametrize(
    ("gain", "verdict"), [(0.05, "better"), (-0.05, "worse"), (-NOISE.mean(), "no difference shown")]
)
@pytest.mark.parametrize("n", [300, 60])
def test_a_verdict_needs_an_interval_without_zero(gain: float, verdict: str, n: int) -> None:
    base, noise = BASE[:n], NOISE[:n] - NOISE[:n].mean() + NOISE.mean()
    found = compare(evaluation(base + noise + gain), evaluation(base))
    assert found.conclusion == verdict
    assert found.ci_low <= found.difference <= found.ci_high
    assert found.difference == pytest.approx(NOISE.mean() + gain)
    assert found.n_users == n


def test_pairing_sees_what_separate_intervals_hide() -> None:
    better = evaluation(BASE + 0.01)
    base = evaluation(BASE)
    assert better.interval("ndcg", 10)[0] < base.interval("ndcg", 10)[1]
    assert compare(better, base).conclusion == "better"


def test_the_same_lists_show_no_difference() -> None:
    found = compare(evaluation(BASE), evaluation(BASE))
    assert (found.difference, found.ci_low, found.ci_high, found.conclusion) == (0, 0, 0, "no difference shown")


def test_different_users_cannot_be_paired() -> None:
    with pytest.raises(NightschoolError, match="same users"):
        compare(evaluation(BASE[:2], [0, 1]), evaluation(BASE[:2], [0, 2]))


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_users_show_nothing(n: int) -> None:
    assert compare(evaluation(BASE[:n] + 1), evaluation(BASE[:n])).conclusion == "no difference shown"


def test_noise_is_seldom_taken_for_preference() -> None:
    rng = np.random.default_rng(7)
    found = [compare(evaluation(BASE + rng.normal(0, 0.1, 300)), evaluation(BASE)) for _ in range(400)]
    claims = [one.conclusion == "better" for one in found]
    assert np.mean(claims) < 0.05
