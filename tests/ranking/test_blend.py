import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from nightschool.errors import NightschoolError
from nightschool.ranking.blend import blend, candidate_pool, component_scores, standardise
from nightschool.ranking.topk import top_k


def floats(*rows):
    return np.array(rows, dtype=np.float32)


def test_z_scores_run_over_the_allowed_items_only():
    scores = floats([1, 3, 100], [2, 2, 2])
    allowed = np.array([[True, True, False], [True, True, True]])
    assert standardise(scores, allowed).tolist() == [[-1, 1, 0], [0, 0, 0]]


def test_a_row_that_is_constant_but_for_rounding_stays_zero():
    scores = floats([3.5, 3.5, np.nextafter(np.float32(3.5), np.float32(4))])
    assert not standardise(scores, np.ones((1, 3), dtype=np.bool_)).any()


def test_a_row_without_allowed_items_is_zero():
    assert not standardise(floats([1, 2]), np.zeros((1, 2), dtype=np.bool_)).any()


@given(
    hnp.arrays(np.float32, (4, 30), elements=st.floats(-100, 100, width=32)),
    hnp.arrays(np.bool_, (4, 30)),
)
def test_z_scores_equal_plain_loops(scores, allowed):
    found = standardise(scores, allowed)
    for row, mask, z in zip(scores.astype(np.float64), allowed, found, strict=True):
        chosen = row[mask]
        deviation = chosen.std() if len(chosen) else 0.0
        if deviation > 1e-3:
            np.testing.assert_allclose(z[mask], (chosen - chosen.mean()) / deviation, atol=2e-2, rtol=1e-3)
        assert np.isfinite(z).all()
        assert not z[~mask].any()


def test_many_ratings_far_from_zero_keep_their_spread():
    scores = np.random.default_rng(0).normal(1000, 1, (1, 100_000)).astype(np.float32)
    z = standardise(scores, np.ones(scores.shape, dtype=np.bool_))
    assert abs(z.mean(dtype=np.float64)) < 1e-3
    assert abs(z.std(dtype=np.float64) - 1) < 1e-3


def test_rows_beyond_one_pass_are_standardised_each_on_its_own():
    scores = np.random.default_rng(0).normal(size=(300, 1000)).astype(np.float32)
    allowed = np.ones(scores.shape, dtype=np.bool_)
    found = standardise(scores, allowed)
    assert all(np.array_equal(found[[row]], standardise(scores[[row]], allowed[[row]])) for row in (0, 130, 131, 299))
    np.testing.assert_allclose(found.std(axis=1, dtype=np.float64), 1, rtol=1e-5)


def test_the_pool_is_the_union_of_each_components_best():
    standardised = np.stack([floats([5, 4, 3, 2, 1]), floats([1, 2, 3, 4, 5])])
    allowed = np.array([[False, True, True, True, True]])
    assert candidate_pool(standardised, allowed, size=1).tolist() == [[False, True, False, False, True]]
    assert candidate_pool(standardised, allowed, size=9).tolist() == allowed.tolist()


def test_a_blend_is_a_weighted_sum_inside_the_pool():
    standardised = np.stack([floats([1, 2, 3]), floats([10, 20, 30])])
    pool = np.array([[True, False, True]])
    assert blend(standardised, floats(0.5, 0.1), pool).tolist() == [[1.5, -np.inf, 4.5]]


def test_components_are_normalised_before_they_are_pooled():
    def ratings(users):
        return floats([9, 1, 2, 3])[users]

    def cosines(users):
        return floats([0.9, 0.1, 0.5, 0.3])[users]

    history = csr_array(floats([1, 0, 0, 0]))
    found, pool = component_scores(
        [ratings, cosines], np.array([0], dtype=np.int32), history, np.ones(4, dtype=np.bool_)
    )
    assert pool.tolist() == [[False, True, True, True]]
    np.testing.assert_allclose(found[:, 0, 1:].mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(found[:, 0, 1:].std(axis=1), 1, rtol=1e-6)


def test_an_infinite_score_does_not_pass_for_a_ranking():
    scores = floats([np.inf, 1, 2])
    allowed = np.ones((1, 3), dtype=np.bool_)
    with pytest.raises(NightschoolError, match="NaN"), np.errstate(invalid="ignore"):
        top_k(standardise(scores, allowed), 2)
