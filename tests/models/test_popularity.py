import numpy as np

from models.popularity import Popularity


def test_it_counts_users_with_a_score_above_zero(dataset_of):
    dataset = dataset_of([(0, 0, 5.0), (1, 0, 0.5), (1, 1, -10.0), (2, 1, 1.0), (2, 2, 0.0)], 3, 4)
    model = Popularity().fit(dataset, seed=0)
    assert model.score(np.array([2, 0], dtype=np.int32)).tolist() == [[2, 1, 0, 0]] * 2


def test_ties_go_to_the_lower_index(dataset_of):
    dataset = dataset_of([(0, 3, 1.0), (1, 1, 1.0), (1, 4, 1.0)], 3, 5)
    lists = Popularity().fit(dataset, seed=0).recommend(dataset.user_ids[[2]], 4)
    assert lists["item_id"].to_list() == [101, 103, 104, 100]
