import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.ranking.topk import allowed_items, mask_excluded, rank_users, top_k

FEW_VALUES = st.sampled_from([-np.inf, -2.5, -0.0, 0.0, 1e-40, 1.0, 1.0, 3.5, np.inf])  # many ties, both zeros


def ranked_by_full_sort(scores, k):
    """Slow and obvious: Python's stable sort of each row."""
    rows = []
    for row in scores.tolist():
        order = sorted(range(len(row)), key=lambda item: -row[item])
        rows.append([item for item in order if row[item] > -np.inf][:k])
    return rows


@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=FEW_VALUES),
    st.integers(1, 50),
)
def test_top_k_equals_a_full_stable_sort_of_tied_scores(scores, k):
    ranking = top_k(scores, k)
    expected = ranked_by_full_sort(scores, k)
    for row, items, values in zip(expected, ranking.items.tolist(), ranking.scores.tolist(), strict=True):
        assert items == row + [-1] * (k - len(row))
        assert np.isneginf(values[len(row) :]).all()
    assert ranking.items.dtype == np.int32
    assert ranking.scores.dtype == np.float32


@settings(max_examples=30)
@given(
    hnp.arrays(np.float32, (5, 23), elements=st.floats(width=32, allow_nan=False)),
    st.integers(1, 30),
)
def test_top_k_equals_a_full_stable_sort_of_any_floats(scores, k):
    before = scores.copy()
    items = top_k(scores, k).items
    assert [[item for item in row if item >= 0] for row in items.tolist()] == ranked_by_full_sort(scores, k)
    assert np.array_equal(scores, before)


def test_top_k_crosses_the_blocks_it_works_in():
    scores = np.random.default_rng(0).integers(0, 50, (700, 1000)).astype(np.float32)
    assert top_k(scores, 7).items.tolist() == ranked_by_full_sort(scores, 7)


def test_top_k_of_no_items_is_padding():
    assert top_k(np.zeros((2, 0), dtype=np.float32), 3).items.tolist() == [[-1, -1, -1]] * 2


@pytest.mark.parametrize("nan", [np.float32(np.nan), -np.float32(np.nan)])
def test_top_k_refuses_nan_of_either_sign(nan):
    scores = np.zeros((3, 4), dtype=np.float32)
    scores[1, 2] = nan
    with pytest.raises(NightschoolError, match=r"NaN.*row 1"):
        top_k(scores, 2)


def test_top_k_refuses_k_of_zero():
    with pytest.raises(ConfigurationError, match="at least one"):
        top_k(np.zeros((1, 2), dtype=np.float32), 0)


def history_with_a_zero_and_a_dislike():
    return csr_array(
        (np.array([0.0, -10.0, 4.0], dtype=np.float32), np.array([1, 2, 0]), np.array([0, 2, 3, 3])), shape=(3, 4)
    )


def test_every_stored_entry_is_excluded_and_so_are_unavailable_items():
    scores = np.ones((3, 4), dtype=np.float32)
    available = np.array([True, True, True, False])
    history = history_with_a_zero_and_a_dislike()
    mask_excluded(scores, np.arange(3, dtype=np.int32), history, available)
    assert np.isfinite(scores).tolist() == [
        [True, False, False, False],
        [False, True, True, False],
        [True, True, True, False],
    ]
    assert np.array_equal(np.isfinite(scores), allowed_items(history, available))


def test_rank_users_is_the_same_in_blocks_of_any_size():
    rng = np.random.default_rng(1)
    table = rng.integers(0, 5, (9, 12)).astype(np.float32)
    history = csr_array((rng.random((9, 12)) < 0.3).astype(np.float32))
    users = np.array([8, 0, 3, 3, 5], dtype=np.int32)
    rankings = [
        rank_users(
            lambda block: table[block],
            users,
            history=history,
            available=np.ones(12, dtype=np.bool_),
            k=4,
            block_users=size,
        )
        for size in (1, 2, 100)
    ]
    masked = np.where(history.toarray()[users] > 0, -np.inf, table[users])
    for ranking in rankings:
        assert [[i for i in row if i >= 0] for row in ranking.items.tolist()] == ranked_by_full_sort(masked, 4)


def test_scores_of_another_kind_are_refused():
    with pytest.raises(NightschoolError, match="not float32"):
        top_k(np.zeros((1, 2)), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("user", [-1, 2])
def test_a_user_beyond_the_history_is_refused(user):
    users, history = np.array([user], dtype=np.int32), csr_array((2, 3), dtype=np.float32)
    with pytest.raises(NightschoolError, match="not in the history"):
        mask_excluded(np.zeros((1, 3), dtype=np.float32), users, history, np.ones(3, dtype=bool))
