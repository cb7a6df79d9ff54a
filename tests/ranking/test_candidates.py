import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from nightschool.errors import NightschoolError
from nightschool.ranking.candidates import blend, candidate_pool, join_pools, pool_users, rank_pool

EVERYTHING = np.ones(5, dtype=np.bool_)


def floats(*rows):
    return np.array(rows, dtype=np.float32)


def unseen(n_rows, n_items):
    return csr_array((n_rows, n_items), dtype=np.float32)


def pool_of(*components, seen=None, size=200):
    """Candidates of scores given as lists of rows."""
    scores = [floats(*rows) for rows in components]
    history = unseen(*scores[0].shape) if seen is None else csr_array(floats(*seen))
    return candidate_pool(scores, history, np.ones(scores[0].shape[1], dtype=np.bool_), size=size)


def test_the_pool_is_the_union_of_each_components_best():
    pool = pool_of([[5, 4, 3, 2, 1]], [[1, 2, 3, 4, 5]], seen=[[1, 0, 0, 0, 0]], size=1)
    assert pool.items.tolist() == [[1, 4]]
    assert pool.members.tolist() == [[0b01, 0b10]]


def test_a_small_catalogue_is_all_in_the_pool_but_what_was_seen():
    pool = pool_of([[5, 4, 3, 2, 1], [1, 1, 1, 1, 2]], seen=[[1, 0, 0, 0, 0], [0, 0, 0, 1, 1]])
    assert pool.items.tolist() == [[1, 2, 3, 4], [0, 1, 2, -1]]


def test_ties_at_the_edge_of_the_pool_go_to_the_lowest_index():
    assert pool_of([[1, 2, 2, 2, 3]], size=2).items.tolist() == [[1, 4]]
    assert pool_of([[2, 2, 2, 2, 2]], size=3).items.tolist() == [[0, 1, 2]]


def test_unavailable_items_are_no_candidates():
    pool = candidate_pool([floats([5, 4, 3])], unseen(1, 3), np.array([False, True, False]))
    assert pool.items.tolist() == [[1]]


def test_z_scores_run_over_all_unseen_items_and_not_only_the_pools():
    pool = pool_of([[1, 3, 100]], seen=[[0, 0, 1]], size=1)
    assert pool.scores.tolist() == [[[1.0]]]
    assert pool.scales.all()


def test_a_row_that_is_constant_but_for_rounding_is_constant_and_zero():
    pool = pool_of([[3.5, 3.5, np.nextafter(np.float32(3.5), np.float32(4))], [1, 2, 3]])
    assert (pool.scales == 0).tolist() == [[True, False]]
    assert not pool.scores[0, 0].any()


def test_a_user_who_has_seen_everything_has_no_candidates():
    pool = pool_of([[1, 2]], seen=[[1, 1]])
    assert pool.items.shape == (1, 0)
    ranking, places = rank_pool(pool, blend(pool, floats(1)), 3)
    assert ranking.items.tolist() == places.tolist() == [[-1, -1, -1]]


@given(
    hnp.arrays(np.float32, (4, 30), elements=st.floats(-100, 100, width=32)),
    hnp.arrays(np.bool_, (4, 30)),
    st.integers(1, 40),
)
def test_it_equals_plain_loops(scores, seen, size):
    pool = candidate_pool([scores.copy()], csr_array(seen.astype(np.float32)), np.ones(30, dtype=np.bool_), size=size)
    for row in range(4):
        left = [item for item in range(30) if not seen[row, item]]
        best = sorted(left, key=lambda item: -scores[row, item])[:size]
        found = pool.items[row][pool.items[row] >= 0]
        assert found.tolist() == sorted(best)
        chosen = scores[row, left].astype(np.float64)
        deviation = chosen.std() if left else 0.0
        if deviation > 1e-3:
            expected = (scores[row, found] - chosen.mean()) / deviation
            np.testing.assert_allclose(pool.scores[0, row, : len(found)], expected, atol=2e-2, rtol=1e-3)


def test_many_ratings_far_from_zero_keep_their_spread():
    scores = np.random.default_rng(0).normal(1000, 1, (1, 100_000)).astype(np.float32)
    pool = candidate_pool([scores], unseen(1, 100_000), np.ones(100_000, dtype=np.bool_), size=100_000)
    assert abs(pool.scores.mean(dtype=np.float64)) < 1e-3
    assert abs(pool.scores.std(dtype=np.float64) - 1) < 1e-3


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_nan_and_infinity_are_refused_by_component(broken):
    with pytest.raises(NightschoolError, match=r"NaN or infinite.*component 1"):
        pool_of([[1, 2, 3]], [[1, broken, 3]])


def test_each_row_is_the_same_bits_alone_and_in_a_block():
    scores = np.random.default_rng(0).normal(size=(30, 1000)).astype(np.float32)
    users = np.arange(30, dtype=np.int32)
    available = np.ones(1000, dtype=np.bool_)
    history = csr_array((np.random.default_rng(1).random((30, 1000)) < 0.1).astype(np.float32))
    whole = pool_users([lambda block: scores[block]], users, history, available)
    alone = join_pools([pool_users([lambda block: scores[block]], users[[u]], history, available) for u in users])
    assert all(np.array_equal(a, b) for a, b in zip(whole, alone, strict=True))


def test_joined_pools_are_padded_to_the_widest():
    narrow, wide = pool_of([[1, 2, 3]], seen=[[0, 1, 1]]), pool_of([[1, 2, 3]])
    joined = join_pools([narrow, wide])
    assert joined.items.tolist() == [[0, -1, -1], [0, 1, 2]]
    assert joined.members.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert (joined.scales == 0).tolist() == [[True, False]]


def test_a_blend_is_a_weighted_sum_over_the_candidates_of_those_with_a_weight():
    pool = pool_of([[1, 2, 3, 4]], [[40, 30, 20, 10]], size=1)
    z = pool.scores
    both = blend(pool, np.array([0.5, 0.1], dtype=np.float32))
    np.testing.assert_allclose(both, 0.5 * z[0] + 0.1 * z[1], rtol=1e-6)
    first = blend(pool, np.array([2, 0], dtype=np.float32))
    assert first.tolist() == [[-np.inf, 2 * z[0, 0, 1]]]


def test_lists_name_items_and_their_place_in_the_pool():
    pool = pool_of([[1, 9, 5, 7]], seen=[[1, 0, 0, 0]])
    ranking, places = rank_pool(pool, blend(pool, np.array([1], dtype=np.float32)), 2)
    assert ranking.items.tolist() == [[1, 3]]
    assert places.tolist() == [[0, 2]]
