from dataclasses import replace

import numpy as np
import pytest

from models.ratings import Ratings
from nightschool.errors import ConfigurationError


@pytest.fixture
def rated(dataset_of):
    """Users 0 and 2 of four rate items 1 and 2 of three, one of them below the scale."""
    return replace(dataset_of([(0, 1, 5.0), (2, 1, -10.0), (2, 2, 3.0)], 4, 3), score_range=(1.0, 5.0))


def test_scores_lie_within_the_scale(rated):
    ratings = Ratings.graded(rated)
    assert ratings.scores.tolist() == [5.0, 1.0, 3.0]
    assert ratings.mean == 3.0
    assert ratings.users.tolist() == [0, 2, 2]
    assert ratings.items.tolist() == [1, 1, 2]
    assert {array.dtype for array in (ratings.users, ratings.items)} == {np.dtype(np.int32)}


def test_those_who_have_a_score_are_told_from_the_others(rated):
    ratings = Ratings.graded(rated)
    assert (ratings.n_users, ratings.n_items) == (4, 3)
    assert ratings.rated_users.tolist() == [0, 2]
    assert ratings.rated_items.tolist() == [1, 2]


def test_what_is_not_learned_from_is_left_out(rated):
    ratings = Ratings.graded(replace(rated, learned=np.array([True, False, True])))
    assert ratings.scores.tolist() == [5.0, 3.0]


def test_scores_that_are_not_graded_are_refused(rated):
    with pytest.raises(ConfigurationError, match=r"needs graded scores.*give the manifest a score"):
        Ratings.graded(replace(rated, score_range=None))
