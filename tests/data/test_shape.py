import numpy as np

from nightschool.data.shape import Shape
from nightschool.testing.datasets import make_dataset, two_tastes


def test_shape_counts_likes_and_the_pairs_that_share_a_user_or_an_item() -> None:
    dataset = two_tastes()
    likes = dataset.positives().toarray()
    shape = Shape.of(dataset)
    assert (shape.users, shape.items) == (int(likes.any(axis=1).sum()), int(likes.any(axis=0).sum()))
    assert shape.pairs == int(likes.sum())
    assert shape.item_pairs == int((likes.T @ likes).sum())
    assert shape.user_pairs == int((likes @ likes.T).sum())


def test_what_nobody_likes_counts_nothing() -> None:
    shape = Shape.of(make_dataset([(0, 1, -1.0), (2, 0, 3.0)], n_users=4, n_items=3))
    assert (shape.users, shape.items, shape.pairs, shape.item_pairs, shape.user_pairs) == (1, 1, 1, 1, 1)
    assert np.isfinite(shape.pairs)
