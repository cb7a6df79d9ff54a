from dataclasses import replace

import numpy as np

from models.baselines.popularity import Popularity, PopularityConfig
from nightschool.testing.recommender import RecommenderContract


class TestPopularity(RecommenderContract):
    model = Popularity


def test_it_counts_users_with_a_score_above_zero(dataset_of):
    dataset = dataset_of([(0, 0, 5.0), (1, 0, 0.5), (1, 1, -10.0), (2, 1, 1.0), (2, 2, 0.0)], 3, 4)
    model = Popularity().fit(dataset, seed=0)
    assert model.score(np.array([2, 0], dtype=np.int32)).tolist() == [[2, 1, 0, 0]] * 2


def test_weighted_it_sums_the_scores_shares_of_the_highest(dataset_of):
    dataset = dataset_of([(0, 0, 5.0), (1, 0, 0.5), (1, 1, -10.0), (2, 1, 1.0)], 3, 3)
    model = Popularity(PopularityConfig(weighted=True)).fit(dataset, seed=0)
    np.testing.assert_allclose(model.counts, [1.1, 0.2, 0.0], rtol=1e-6)
    assert model.counts.dtype == np.float32


def test_what_is_seen_but_not_learned_from_does_not_count(dataset_of):
    dataset = dataset_of([(0, 0, 5.0), (1, 0, 5.0), (1, 1, 5.0)], 2, 3)
    model = Popularity().fit(replace(dataset, learned=np.array([True, False, True])), seed=0)
    assert model.counts.tolist() == [1, 1, 0]
    assert model.recommend(dataset.user_ids[[1]], 3)["item_id"].to_list() == [102]


def test_ties_go_to_the_lower_index(dataset_of):
    dataset = dataset_of([(0, 3, 1.0), (1, 1, 1.0), (1, 4, 1.0)], 3, 5)
    lists = Popularity().fit(dataset, seed=0).recommend(dataset.user_ids[[2]], 4)
    assert lists["item_id"].to_list() == [101, 103, 104, 100]
