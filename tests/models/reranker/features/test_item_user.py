from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.reranker.features.base import Candidates
from models.reranker.features.item_user import Demography, Popularity, log_lift

# Item 0 is liked by users 0, 1 and 2, item 1 by user 0, item 2 by nobody; user 3 has seen nothing.
PAIRS = [(0, 0, 5.0), (0, 1, 3.0), (1, 0, 4.0), (2, 0, 3.0), (2, 2, 0.0)]


def candidates(*, users, items):
    return Candidates(np.array(users), np.arange(len(users) + 1), np.array(items))


def test_popularity_is_relative_to_other_items_and_users(dataset_of):
    popularity = Popularity.of(dataset_of(PAIRS, 4, 3))
    found = dict(zip(popularity.names, popularity.columns(candidates(users=[1, 0], items=[1, 2])), strict=True))
    assert found["rank by likes"] == pytest.approx([1 / 3, 0])
    assert found["mean score of the item"] == pytest.approx([3, 0])
    # Likes are 2, 1 and 1 of the three users who are known.
    history = np.log1p([2, 1, 1])
    assert found["likes of the user"] == pytest.approx([history[1] - history.mean(), history[0] - history.mean()])
    assert found["mean score of the user"] == pytest.approx([4, 4])
    assert found["likes beyond the usual"][0] == pytest.approx(np.log(2) - np.log(4))


def test_spread_is_the_deviation_of_an_items_scores(dataset_of):
    popularity = Popularity.of(dataset_of(PAIRS, 4, 3))
    spread = popularity.columns(candidates(users=[3], items=[0]))[popularity.names.index("spread of the item's scores")]
    assert spread == pytest.approx(np.std([5, 4, 3]))


def test_what_nobody_knows_is_nan(dataset_of):
    popularity = Popularity.of(dataset_of(PAIRS, 4, 4))
    found = dict(zip(popularity.names, popularity.columns(candidates(users=[3], items=[3])), strict=True))
    assert np.isnan(found["mean score of the item"]).all()
    assert np.isnan(found["mean score of the user"]).all()
    assert np.isfinite(found["rank by likes"]).all()


@pytest.fixture
def divided(dataset_of):
    """Teachers, who like item 0, and pupils, who like item 1; twelve of each, one person of neither."""
    dataset = dataset_of([(user, user % 2, 1.0) for user in range(24)], 25, 3)
    roles = pl.Series(["builder", "pupil"] * 12 + [None])
    return replace(dataset, users=dataset.users.with_columns(role=roles, town=pl.Series(range(25))))


def test_a_lift_says_how_much_more_an_item_is_liked_by_people_alike(divided):
    demography = Demography.of(divided)
    assert demography.names == ["lift by role", "lift by town"]
    role, _ = demography.columns(candidates(users=[0, 0, 1], items=[0, 1, 1]))
    # Twelve likes of item 0 among teachers where chance gives six; five are added to both.
    assert role == pytest.approx(np.log([17 / 11, 5 / 11, 17 / 11]))


def test_a_value_that_few_have_and_none_at_all_say_nothing(divided):
    found = Demography.of(divided).columns(candidates(users=[0, 24], items=[0, 0]))
    assert np.isnan(found[1]).all()
    assert np.isnan(found[0, 1])


def test_users_without_attributes_have_no_columns(dataset_of):
    demography = Demography.of(dataset_of(PAIRS, 4, 3))
    assert list(demography.names) == []
    assert demography.columns(candidates(users=[0], items=[2])).shape == (0, 1)


def test_nothing_seen_and_nothing_expected_is_no_lift():
    assert log_lift(np.zeros(1), np.zeros(1)).tolist() == [0]
