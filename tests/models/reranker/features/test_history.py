from dataclasses import replace

import numpy as np
import pytest

from models.reranker.features.base import Candidates
from models.reranker.features.history import Nearness, Tastes, content_nearness

# Users 0 and 1 like items 0 and 1, user 1 also item 2; user 2 likes item 3, user 3 nothing.
PAIRS = [(0, 0, 5.0), (0, 1, 5.0), (1, 0, 5.0), (1, 1, 5.0), (1, 2, 5.0), (2, 3, 5.0)]


@pytest.fixture
def nearness(dataset_of):
    return Nearness.of(dataset_of(PAIRS, 4, 5))


def test_nearness_by_users_is_the_cosine_of_who_likes_two_items(nearness):
    co_likes = nearness.co_likes.toarray()
    assert co_likes[0, 1] == pytest.approx(1)
    assert co_likes[0, 2] == co_likes[2, 0] == pytest.approx(1 / np.sqrt(2))
    assert co_likes[0, 3] == co_likes[0, 0] == 0


def test_nearness_in_time_falls_with_the_distance_in_a_history(nearness):
    in_time = nearness.in_time.toarray()
    assert in_time[1, 0] == pytest.approx(np.exp(-1 / 5))
    assert in_time[0, 2] == pytest.approx(np.exp(-2 / 5) / np.sqrt(2))


def test_sights_are_standardised_over_a_users_candidates(nearness):
    # User 0 likes items 0 and 1. Item 2 is as near to both, items 3 and 4 to none.
    candidates = Candidates(np.array([0]), np.array([0, 3]), np.array([2, 3, 4]))
    found = dict(zip(nearness.names, nearness.columns(candidates), strict=True))
    expected = np.array([2, -1, -1]) / np.sqrt(2)
    for sight in ("nearest", "2nd nearest", "sum", "last"):
        assert found[f"{sight} by users"] == pytest.approx(expected)
    assert found["3rd nearest by users"].tolist() == [0, 0, 0]


def test_the_three_nearest_are_in_order(planted):
    nearness = Nearness.of(planted)
    nothing_seen = np.array([41, 0])
    candidates = Candidates(nothing_seen, np.array([0, 20, 40]), np.tile(np.arange(20), 2))
    raw = np.zeros((5, 40), dtype=np.float32)
    dense = nearness.co_likes.toarray()
    liked = np.flatnonzero(nearness.liked.toarray()[0])
    columns = nearness.columns(candidates)[:5]
    for item in range(20):
        raw[:3, 20 + item] = np.sort(dense[liked, item])[::-1][:3]
        raw[3, 20 + item] = dense[liked, item].sum()
    for column in range(4):
        own = raw[column, 20:]
        np.testing.assert_allclose(columns[column, 20:], (own - own.mean()) / own.std(), rtol=1e-3, atol=1e-4)
    assert not columns[:, :20].any()


def test_content_says_which_items_are_described_alike(planted):
    alike = content_nearness(planted).toarray()
    assert alike[0, 1] == pytest.approx(1)
    assert alike[0, 10] == alike[0, 0] == 0
    # Item 21 is not in the catalogue.
    assert not alike[21].any()


def test_tastes_are_log_ratios_to_everybodys(planted):
    tastes = Tastes.of(planted)
    candidates = Candidates(np.array([0, 41]), np.array([0, 2, 3]), np.array([0, 10, 0]))
    mean, least, most = tastes.columns(candidates)
    likes = planted.positives().toarray()
    share = likes[:, [*range(10), 21]].sum() / likes.sum()
    # Seven likes of user 0, all about mathematics, and five of everybody's taste.
    assert mean[0] == pytest.approx(np.log((7 + 5 * share) / (12 * share)), rel=1e-4)
    assert mean[1] == pytest.approx(np.log(5 / 12), rel=1e-4)
    assert mean[2] == pytest.approx(0, abs=1e-4)
    assert np.array_equal(mean, least)
    assert np.array_equal(mean, most)


def test_items_without_labels_have_no_taste(planted, dataset_of):
    tastes = Tastes.of(dataset_of(PAIRS, 4, 5))
    candidates = Candidates(np.array([0]), np.array([0, 1]), np.array([2]))
    assert np.isnan(tastes.columns(candidates)).all()


def test_the_last_item_is_the_latest(dataset_of):
    dataset = dataset_of(PAIRS, 4, 5)
    backwards = dataset.interactions.with_columns(timestamp=dataset.interactions["timestamp"].reverse())
    liked = Nearness.of(replace(dataset, interactions=backwards)).liked
    assert liked.indices[liked.indptr[1] : liked.indptr[2]].tolist() == [2, 1, 0]
