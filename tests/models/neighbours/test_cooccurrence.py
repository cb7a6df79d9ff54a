import numpy as np
from scipy.sparse import csr_array

from models.neighbours import cooccurrence
from models.neighbours.cooccurrence import weigh_cooccurrences

LIKES = csr_array(np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0]], dtype=np.float32))


def as_they_are(sums, _items):
    return sums


def test_weights_are_counts_of_users_of_both_items():
    weights = weigh_cooccurrences(LIKES.T.tocsr(), LIKES, as_they_are, 10)
    assert weights.toarray().tolist() == [[0, 2, 1, 0], [2, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


def test_the_largest_are_kept_and_of_equal_ones_the_first():
    weights = weigh_cooccurrences(LIKES.T.tocsr(), LIKES, as_they_are, 1)
    assert weights.toarray().tolist() == [[0, 2, 0, 0], [2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_blocks_are_told_their_items_and_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    likes = csr_array((rng.random((30, 11)) < 0.3).astype(np.float32))
    told = []

    def times_item(sums, items):
        told.append(items.tolist())
        return sums * (1 + items[:, None]).astype(np.float32)

    whole = weigh_cooccurrences(likes.T.tocsr(), likes, times_item, 5)
    monkeypatch.setattr(cooccurrence, "_BLOCK_BYTES", 3 * 4 * 11)
    blocks = weigh_cooccurrences(likes.T.tocsr(), likes, times_item, 5)
    assert told == [[*range(11)], [0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10]]
    assert np.array_equal(blocks.toarray(), whole.toarray())
