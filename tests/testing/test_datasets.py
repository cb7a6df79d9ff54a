import numpy as np

from nightschool.testing.datasets import make_dataset, two_tastes


def test_pairs_become_a_sorted_dataset() -> None:
    dataset = make_dataset([(1, 0, 2.0), (0, 2, 5.0)], n_users=2, n_items=3)
    assert dataset.interactions.select("user_index", "item_index", "score").rows() == [(0, 2, 5.0), (1, 0, 2.0)]
    assert dataset.item_ids.to_list() == [100, 101, 102]


def test_users_like_seven_items_of_their_own_taste() -> None:
    liked = two_tastes().positives().toarray()[:40]
    own = np.where(np.arange(40)[:, None] % 2 == 0, liked[:, :10], liked[:, 10:20])
    assert (own.sum(axis=1) == 7).all()
    assert (liked.sum(axis=1) == 7).all()
