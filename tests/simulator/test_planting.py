import numpy as np
import pytest

from nightschool.columns import TITLE
from nightschool.simulator import preferences as planted
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.content import draw_content
from nightschool.simulator.planting import plant, scale_to_popularity
from nightschool.simulator.truth import Truth, true_affinity
from nightschool.simulator.users import draw_users
from nightschool.simulator.vocabulary import DIFFICULTY, DOMAIN, LEARNING_STYLE, SENIORITY, SUBTOPIC, TYPE

CONFIG = SimulatorConfig(users=1_000, items=400)
USERS = draw_users(CONFIG.users, np.random.default_rng(5))
CONTENT = draw_content(CONFIG.items, np.random.default_rng(6))


@pytest.fixture(scope="module")
def truth() -> Truth:
    return plant(CONFIG, USERS, CONTENT, 0.5, np.random.default_rng(7))


@pytest.fixture(scope="module")
def affinity(truth: Truth) -> np.ndarray:
    return true_affinity(truth, np.arange(1, CONFIG.users + 1), 0.5)


def mean_share(affinity: np.ndarray, who: tuple[str, str], what: tuple[str, str]) -> float:
    users = (USERS[who[0]] == who[1]).to_numpy()
    items = (CONTENT[what[0]] == what[1]).to_numpy()
    return float(affinity[users][:, items].sum(axis=1).mean())


def test_the_items_popularity_margin_stays(truth: Truth, affinity: np.ndarray) -> None:
    np.testing.assert_allclose(truth.activity @ affinity, truth.popularity, rtol=0.01)


def test_scaling_to_popularity_matches_both_margins() -> None:
    rng = np.random.default_rng(0)
    loadings, fit = rng.random((6, 3)) + 0.1, rng.random((6, 2)) + 0.1
    demand, popularity = rng.dirichlet(np.ones(6)).reshape(3, 2), rng.dirichlet(np.ones(6))
    pull = scale_to_popularity(loadings, fit, demand, popularity)
    shares = np.zeros(6)
    for interest in range(3):
        for group in range(2):
            weights = pull[:, interest] * fit[:, group]
            shares += demand[interest, group] * weights / weights.sum()
    np.testing.assert_allclose(shares, popularity, rtol=1e-6)
    np.testing.assert_allclose(pull / pull[:, :1], loadings / loadings[:, :1])


@pytest.mark.parametrize(
    ("who", "other", "what"),
    [
        ((TITLE, "Student (Marketing)"), (TITLE, "Student (Data Science)"), (DOMAIN, "Marketing")),
        ((TITLE, "Student (Data Science)"), (TITLE, "Student (Marketing)"), (SUBTOPIC, "machine-learning")),
        ((LEARNING_STYLE, "Kinesthetic"), (LEARNING_STYLE, "Visual"), (TYPE, "Interactive Quiz")),
        ((LEARNING_STYLE, "Visual"), (LEARNING_STYLE, "Reading/Writing"), (TYPE, "Video")),
        ((SENIORITY, "Senior"), (SENIORITY, "Student"), (DIFFICULTY, "Advanced")),
        ((SENIORITY, "Student"), (SENIORITY, "Senior"), (DIFFICULTY, "Beginner")),
    ],
)
def test_preferences_are_planted(
    affinity: np.ndarray, who: tuple[str, str], other: tuple[str, str], what: tuple[str, str]
) -> None:
    assert mean_share(affinity, who, what) > 1.5 * mean_share(affinity, other, what)


def test_knowing_the_person_is_worth_far_more_than_knowing_what_is_popular(affinity: np.ndarray, truth: Truth) -> None:
    own_ten = np.sort(affinity, axis=1)[:, -10:].sum(axis=1).mean()
    popular_ten = np.sort(truth.popularity)[-10:].sum()
    assert own_ten > 2 * popular_ten


def test_tastes_are_of_low_rank_and_shown_by_no_attribute(truth: Truth) -> None:
    tastes = truth.early[:, -planted.TASTE_FACTORS :]
    np.testing.assert_allclose(tastes.sum(axis=1), planted.TASTE_SHARE, rtol=1e-5)
    students = (USERS[SENIORITY] == "Student").to_numpy()
    np.testing.assert_allclose(tastes[students].mean(axis=0), tastes[~students].mean(axis=0), atol=0.01)


def test_interests_drift_but_are_not_forgotten(truth: Truth) -> None:
    for interests in (truth.early, truth.late):
        np.testing.assert_allclose(interests.sum(axis=1), 1.0, rtol=1e-5)
    moved = np.abs(truth.late - truth.early).sum(axis=1) / 2
    assert 0.02 < moved.mean() < planted.DRIFT


def test_bots_are_few_and_busy(truth: Truth, affinity: np.ndarray) -> None:
    assert truth.bots.sum() == round(planted.BOT_SHARE * CONFIG.users)
    assert truth.activity[truth.bots].min() >= truth.activity.mean()
    np.testing.assert_allclose(affinity[truth.bots], np.tile(truth.popularity, (truth.bots.sum(), 1)), rtol=1e-6)
