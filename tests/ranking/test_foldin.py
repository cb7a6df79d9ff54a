import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from nightschool.errors import ConfigurationError
from nightschool.histories import Histories, positive
from nightschool.ranking.foldin import ItemWeights, faded, fold_in, fold_in_on_all_cores, stand_in_order

SCORES = st.sampled_from([-10.0, 0.0, 1.0, 5.0])


@given(
    hnp.arrays(np.float32, (3, 6), elements=SCORES), hnp.arrays(np.float32, (6, 6), elements=st.floats(-2, 2, width=16))
)
def test_scores_are_sums_of_the_historys_weights(history, weights):
    found = fold_in(csr_array(history), csr_array(weights))
    expected = [
        [sum(float(history[u, i]) * float(weights[i, j]) for i in range(6)) for j in range(6)] for u in range(3)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.dtype == np.float32


def test_an_empty_history_scores_zero():
    assert not fold_in(csr_array((2, 3), dtype=np.float32), csr_array(np.eye(3, dtype=np.float32))).any()


def test_one_user_scores_the_same_bits_alone_and_in_a_block():
    rng = np.random.default_rng(0)
    history = csr_array((rng.random((20, 50)) < 0.3).astype(np.float32))
    weights = csr_array(rng.normal(size=(50, 50)).astype(np.float32))
    block = fold_in(history, weights)
    assert all(np.array_equal(fold_in(history[[user]], weights)[0], block[user]) for user in range(20))


def test_positive_keeps_likes_as_ones_and_drops_zeros_and_dislikes():
    history = csr_array(
        (np.array([0.0, -10.0, 4.0, 0.5], dtype=np.float32), np.array([1, 2, 0, 3]), np.array([0, 2, 4, 4])),
        shape=(3, 4),
    )
    found = positive(history)
    assert found.toarray().tolist() == [[0, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0]]
    assert found.nnz == 2


def histories() -> Histories:
    """Two users: the first saw item 2, disliked item 0 and liked item 3 last; the second liked item 1."""
    scores = csr_array(np.array([[-1, 0, 2, 5], [0, 1, 0, 0]], dtype=np.float32))
    return Histories(scores, np.array([1, 2, 0, 0], dtype=np.int32))


def test_a_history_fades_by_place_and_dislikes_take_places_too():
    found = faded(histories(), 2.0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), [[0, 0, np.exp(-1), 1], [0, 1, 0, 0]])
    with pytest.raises(ConfigurationError, match="need the order of a history"):
        faded(Histories(histories().scores), 2.0)


@pytest.mark.parametrize("n", [0, 1, 200])
def test_all_cores_compute_the_same_bits(n):
    rng = np.random.default_rng(n)
    history = csr_array((rng.random((n, 30)) < 0.3).astype(np.float32))
    weights = csr_array(rng.standard_normal((30, 40), dtype=np.float32))
    assert np.array_equal(fold_in_on_all_cores(history, weights), fold_in(history, weights))


@pytest.mark.parametrize("recency", [None, 2.0])
def test_weights_score_a_history_by_its_strengths(recency):
    matrix = csr_array(np.arange(16, dtype=np.float32).reshape(4, 4))
    weights = ItemWeights(matrix, recency)
    strengths = positive(histories().scores) if recency is None else faded(histories(), recency)
    np.testing.assert_allclose(weights.score(histories()), strengths.toarray() @ matrix.toarray())


def test_what_stands_in_first_has_no_order_and_content_comes_last():
    plain, by_order = ItemWeights(csr_array((1, 1))), ItemWeights(csr_array((1, 1)), 3.0)
    weights = {"content": plain, "co_occurrence": plain, "ease": plain, "dlae": plain, "transitions": by_order}
    names = ["transitions", "content", "ials", "ease", "dlae"]
    assert stand_in_order(weights, names) == ["ease", "dlae", "co_occurrence", "transitions", "content"]
