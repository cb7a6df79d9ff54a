import numpy as np
from scipy.sparse import csr_array

from models.neural.user_batches import UserBatch, user_batches

LIKES = csr_array((np.random.default_rng(0).random((23, 30)) < 0.3).astype(np.float32))


def rows_of(batch: UserBatch) -> list[list[int]]:
    """The items of each user that is no padding."""
    n_users = int((batch.counts > 0).sum())
    return [sorted(batch.items[batch.rows == row].tolist()) for row in range(n_users)]


def test_all_users_come_once_with_their_likes() -> None:
    batches = list(user_batches(LIKES, 5, (1, 2)))
    assert len(batches) == 5
    found = [row for batch in batches for row in rows_of(batch)]
    assert sorted(found) == sorted(LIKES[[user]].indices.tolist() for user in range(23))
    for batch in batches:
        assert len(batch.counts) == 5
        assert len(batch.rows) == len(batch.items) == 64
        assert np.bincount(batch.rows, minlength=6)[:5].tolist() == batch.counts.tolist()
        assert np.array_equal(batch.is_like(), batch.rows < 5)


def test_sizes_are_few() -> None:
    likes = csr_array(np.ones((100, 30), dtype=np.float32))
    sizes = {len(batch.rows) for n_users in range(1, 40) for batch in user_batches(likes, n_users, (0,))}
    assert sizes <= {64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536}


def test_the_order_follows_from_the_seed() -> None:
    first, again, other = ([batch.items.tolist() for batch in user_batches(LIKES, 5, (seed, 0))] for seed in (1, 1, 2))
    assert first == again != other


def test_membership_and_values_of_users_are_those_of_the_likes() -> None:
    for batch in user_batches(LIKES, 5, (1, 2)):
        members = np.asarray(batch.membership(30))
        assert [np.flatnonzero(row).tolist() for row in members if row.any()] == rows_of(batch)
        values = np.asarray(batch.of_users(batch.counts))[np.asarray(batch.is_like())]
        assert values.tolist() == batch.counts[batch.rows[batch.rows < 5]].tolist()
