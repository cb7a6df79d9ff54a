from dataclasses import replace

import pandas as pd
import pytest
import surprise

from models.factorization.surprise_trainset import trainset
from models.ratings import Ratings


@pytest.fixture
def ratings(dataset_of):
    """Users 1 and 2 of four rate items 0, 2 and 3 of five."""
    pairs = [(1, 2, 5.0), (1, 3, 1.0), (2, 0, 4.0), (2, 2, 2.0), (2, 3, 3.0)]
    return Ratings.graded(replace(dataset_of(pairs, 4, 5), score_range=(1.0, 5.0)))


def test_it_holds_what_surprise_itself_would_build(ratings):
    """Each pair under both of its raw ids; only the numbers of inner ids differ."""
    frame = pd.DataFrame({"user": ratings.users, "item": ratings.items, "score": ratings.scores})
    expected = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5))).build_full_trainset()
    built = trainset(ratings)

    def raw(found: surprise.Trainset) -> list[tuple[int, int, float]]:
        return [(found.to_raw_uid(user), found.to_raw_iid(item), score) for user, item, score in found.all_ratings()]

    assert raw(built) == raw(expected)
    assert built.global_mean == expected.global_mean == 3.0
    assert (built.n_users, built.n_items, built.n_ratings) == (2, 3, 5)
    assert built.rating_scale == (1, 5)


def test_inner_ids_ascend_with_the_index_among_those_that_have_scores(ratings):
    built = trainset(ratings)
    assert [built.to_inner_uid(1), built.to_inner_uid(2)] == [0, 1]
    assert [built.to_inner_iid(item) for item in (0, 2, 3)] == [0, 1, 2]
    assert built.ur == {0: [(1, 5.0), (2, 1.0)], 1: [(0, 4.0), (1, 2.0), (2, 3.0)]}
    assert built.ir == {0: [(1, 4.0)], 1: [(0, 5.0), (1, 2.0)], 2: [(0, 1.0), (1, 3.0)]}


def test_those_without_scores_are_unknown(ratings):
    with pytest.raises(ValueError, match="User 0 is not part"):
        trainset(ratings).to_inner_uid(0)
    with pytest.raises(ValueError, match="Item 1 is not part"):
        trainset(ratings).to_inner_iid(1)
