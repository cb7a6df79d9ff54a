import numpy as np
from scipy.sparse import csr_array

from models.neural.held_out import HeldOut


def likes_of(n_users: int, n_items: int, share: float = 0.3) -> csr_array:
    dense = np.random.default_rng(0).random((n_users, n_items)) < share
    return csr_array(dense.astype(np.float32))


def test_a_fifth_of_the_likes_of_a_tenth_of_the_users_is_held_out() -> None:
    likes = likes_of(195, 40)
    left, held_out = HeldOut.of(likes, seed=1)
    assert len(held_out.users) == 20
    assert np.array_equal((left[held_out.users] + held_out.likes).toarray(), likes[held_out.users].toarray())
    assert np.array_equal(left[held_out.users].toarray(), held_out.known.toarray())
    others = np.setdiff1d(np.arange(195), held_out.users)
    assert np.array_equal(left[others].toarray(), likes[others].toarray())
    counts = np.diff(likes[held_out.users].indptr)
    assert np.diff(held_out.likes.indptr).tolist() == np.ceil(counts * 0.2).tolist()


def test_users_of_two_likes_keep_them_and_nobody_may_be_held_out() -> None:
    likes = csr_array(np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]], dtype=np.float32))
    left, held_out = HeldOut.of(likes, seed=0)
    assert not len(held_out.users)
    assert np.array_equal(left.toarray(), likes.toarray())


def test_what_is_held_out_follows_from_the_seed() -> None:
    likes = likes_of(100, 40)
    first, again, other = (HeldOut.of(likes, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first.likes.indices, again.likes.indices)
    assert not np.array_equal(first.likes.indices, other.likes.indices)


def test_ndcg_is_that_of_a_plain_loop_without_the_known_items() -> None:
    likes = likes_of(3000, 130, 0.2)
    _, held_out = HeldOut.of(likes, seed=1)
    assert len(held_out.users) == 300
    scores = np.random.default_rng(2).random((300, 130)).astype(np.float32)
    expected = []
    for place in range(300):
        order = [item for item in np.argsort(-scores[place]) if not held_out.known[[place]].toarray()[0, item]][:100]
        out = held_out.likes[[place]].toarray()[0]
        gain = sum(1 / np.log2(2 + rank) for rank, item in enumerate(order) if out[item])
        expected.append(gain / sum(1 / np.log2(2 + rank) for rank in range(int(out.sum()))))
    np.testing.assert_allclose(held_out.ndcg(lambda block: scores[block].copy()), np.mean(expected), rtol=1e-6)


def test_a_perfect_order_has_the_value_1_and_the_reverse_less() -> None:
    _, held_out = HeldOut.of(likes_of(100, 40), seed=1)
    perfect = held_out.likes.toarray()
    assert np.isclose(held_out.ndcg(lambda block: perfect[block].copy()), 1.0)
    assert held_out.ndcg(lambda block: -perfect[block]) < 0.6
