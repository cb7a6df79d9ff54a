from dataclasses import replace

import numpy as np
import polars as pl

from nightschool.contract import Dataset
from nightschool.item_columns import ItemColumns
from nightschool.night.release.interests import interests


def cosines(dataset: Dataset) -> np.ndarray:
    tags = interests(dataset).toarray()
    return tags @ tags.T


def test_rows_have_length_one_or_nothing(dataset: Dataset) -> None:
    users = dataset.users.with_columns(role=pl.Series(["a", None, "b"]))
    lengths = np.linalg.norm(interests(replace(dataset, users=users)).toarray(), axis=1)
    np.testing.assert_allclose(lengths, [1, 0, 1], rtol=1e-6)


def test_declared_interests_count_more_than_attributes(dataset: Dataset) -> None:
    declared = dataset.users.with_columns(loves=pl.Series([["sql"], ["jazz"], ["jazz"]]))
    found = cosines(replace(dataset, users=declared))
    assert found[1, 2] > 0.9
    assert 0 < found[0, 2] < 0.2
    assert found[0, 1] == 0


def test_what_somebody_likes_tells_their_interests_and_a_dislike_does_not(dataset: Dataset) -> None:
    items = dataset.items.with_columns(genre=pl.Series(["war", "war", "love", "love"]), moods=pl.Series([["a"]] * 4))
    described = replace(dataset, items=items, users=dataset.users.drop("role"), item_columns=ItemColumns(("genre",)))
    found = cosines(described)
    assert found[0, 1] > 0.99
    assert found[2].tolist() == [0, 0, 0]
    disliked = dataset.interactions.with_columns(score=pl.Series([5.0, 1.0, -5.0], dtype=pl.Float32))
    assert cosines(replace(described, interactions=disliked))[0, 1] == 0
    listed = cosines(replace(described, item_columns=ItemColumns((), {}, ("moods",))))
    assert listed[0, 1] > 0.99


def test_a_rare_tag_says_more_than_a_common_one(dataset: Dataset) -> None:
    users = dataset.users.drop("role").with_columns(loves=pl.Series([["all", "x"], ["all", "x"], ["all"]]))
    found = cosines(replace(dataset, users=users))
    tags = interests(replace(dataset, users=users)).toarray()
    assert tags[0, 1] > tags[0, 0] > 0
    assert found[0, 1] > found[0, 2] > 0


def test_no_tags_are_no_columns(dataset: Dataset) -> None:
    assert interests(replace(dataset, users=dataset.users.drop("role"))).shape == (3, 0)
