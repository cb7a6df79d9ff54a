import numpy as np
import pytest

from nightschool.evaluation.evaluate import evaluate_ranking, relevant_users
from nightschool.evaluation.facts import relevant_pairs
from nightschool.evaluation.gains import Gains
from nightschool.ranking.candidates import blend, candidate_pool, rank_pool
from tests.evaluation.test_evaluate import split_of

K = 3


@pytest.fixture
def split():
    rng = np.random.default_rng(0)
    history = {(user, int(item)): 1.0 for user in range(30) for item in rng.choice(20, 5, replace=False)}
    met = {(user, int(item)): 5.0 for user in range(30) for item in rng.choice(20, 4, replace=False)}
    held_out = {pair: score for pair, score in met.items() if pair not in history}
    return split_of(history, held_out, shape=(30, 20), gone=(3,))


@pytest.mark.parametrize("weights", [(1.0, 0.0, 0.0), (0.0, 0.7, 0.0), (1.0, 0.5, 0.0), (1.0, -0.2, 2.0)])
@pytest.mark.parametrize("size", [4, 200])
def test_counting_gives_the_ndcg_of_the_ranked_lists_ties_included(split, weights, size) -> None:
    rng = np.random.default_rng(1)
    users = relevant_users(split)
    history = split.fitted.history()[users]
    scores = [rng.integers(0, 6, (len(users), 20)).astype(np.float32) for _ in weights]
    pool = candidate_pool(scores, history, split.fitted.available, size=size)
    blended = blend(pool, np.array(weights, dtype=np.float32))
    lists, _ = rank_pool(pool, blended, K)
    expected = evaluate_ranking(lists, users, split, cutoffs=(K,)).values("ndcg", K)
    last = int(np.flatnonzero(weights)[-1])
    others = sum((np.float32(w) * pool.scores[c] for c, w in enumerate(weights[:last]) if w), np.zeros_like(blended))
    bits = sum(1 << component for component, weight in enumerate(weights) if weight)
    found = Gains.of(pool, users, relevant_pairs(split), K).ndcg(others, last, weights[last], bits)
    np.testing.assert_allclose(found, expected)
    assert 0 < found.mean() < 1
