import numpy as np
from scipy.sparse import csr_array

from models.neural.occasions import Batch, Occasions, codes_of_entries

N_USERS, N_ITEMS = 50, 20
RNG = np.random.default_rng(0)
LIKES = csr_array((RNG.random((N_USERS, N_ITEMS)) < 0.4).astype(np.float32))
CODES = np.stack([RNG.integers(-1, 2, LIKES.nnz), RNG.integers(2, 4, LIKES.nnz)], axis=1).astype(np.int32)
ATTRIBUTES = RNG.standard_normal((N_USERS, 3)).astype(np.float32)


def batches(codes: np.ndarray = CODES, seed: int = 0) -> list[Batch]:
    return [*Occasions(LIKES, codes, 4, ATTRIBUTES).batches(16, (seed,))]


def test_each_user_comes_once_and_what_is_asked_for_is_not_read() -> None:
    found, likes = batches(), np.zeros((0, N_ITEMS))
    for batch in found:
        assert batch.contexts.shape == (16, 4)
        assert not (batch.read & batch.asked).any()
        assert not (batch.read | batch.asked)[batch.likes.rows == 16].any()
        likes = np.vstack([likes, np.asarray(batch.likes.membership(N_ITEMS))[batch.likes.counts > 0]])
    assert sorted(map(tuple, likes)) == sorted(map(tuple, LIKES.toarray()))


def test_without_contexts_all_that_is_not_read_is_asked_for_and_every_share_is_read() -> None:
    shares = []
    for seed in range(20):
        for batch in batches(np.zeros((LIKES.nnz, 0), dtype=np.int32), seed):
            real = batch.likes.rows < 16
            assert (batch.read ^ batch.asked)[real].all()
            read = np.bincount(batch.likes.rows[real], batch.read[real], 16)
            shares += (read / np.maximum(batch.likes.counts, 1))[batch.likes.counts > 0].tolist()
    assert abs(np.mean(shares) - 0.5) < 0.02
    assert np.mean(np.array(shares) < 0.2) > 0.15


def test_on_an_occasion_only_likes_in_its_contexts_are_asked_for() -> None:
    codes_of = dict(zip(zip(*LIKES.nonzero(), strict=True), CODES.tolist(), strict=True))
    order, told = np.random.default_rng((0,)).permutation(N_USERS), 0
    for number, batch in enumerate(batches()):
        for row in range(int((batch.likes.counts > 0).sum())):
            values = np.flatnonzero(batch.contexts[row])
            mine = batch.likes.rows == row
            for item, read, asked in zip(batch.likes.items[mine], batch.read[mine], batch.asked[mine], strict=True):
                fits = set(values) <= set(codes_of[order[16 * number + row], item])
                assert not asked or fits
                # Where everything is told, what fits is read or asked for.
                assert read or asked or len(values) < 2 or not fits
            told += len(values)
    assert N_USERS * 0.6 < told < N_USERS * 1.1


def test_attributes_are_told_of_half_of_the_users_and_padding_has_none() -> None:
    known = np.concatenate([batch.attributes.any(axis=1) for seed in range(20) for batch in batches(seed=seed)])
    users = np.concatenate([batch.likes.counts > 0 for seed in range(20) for batch in batches(seed=seed)])
    assert abs(known[users].mean() - 0.5) < 0.05
    assert not known[~users].any()


def test_equal_seeds_draw_equal_batches() -> None:
    for one, same, other in zip(batches(), batches(), batches(seed=1), strict=True):
        assert np.array_equal(one.read, same.read)
        assert not np.array_equal(one.read, other.read)


def test_codes_follow_their_likes() -> None:
    kept = LIKES.copy()
    kept.data[::3] = 0
    kept.eliminate_zeros()
    expected = CODES[np.arange(LIKES.nnz) % 3 > 0]
    assert np.array_equal(codes_of_entries(CODES, LIKES, kept), expected)
