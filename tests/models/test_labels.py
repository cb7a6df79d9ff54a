from dataclasses import replace

import numpy as np
import polars as pl

from models.labels import item_labels, user_labels
from nightschool.item_columns import ItemColumns


def test_a_users_attributes_are_one_column_a_label(dataset_of):
    users = pl.DataFrame({"user_id": [1, 2, 3], "role": ["b", None, "a"], "age": [30, 30, 40]})
    dataset = replace(dataset_of([(0, 0, 1.0)], 3, 1), users=users)
    assert user_labels(dataset).toarray().tolist() == [[0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 1]]


def test_an_items_several_labels_share_its_weight(dataset_of):
    items = pl.DataFrame(
        {
            "item_id": [100, 101],
            "title": ["x", "y"],
            "genres": [["war", "art", "war"], []],
            "level": ["low", "high"],
            "kind": ["film", None],
        }
    )
    columns = ItemColumns(categories=("kind",), ordinals={"level": ("low", "high")}, lists=("genres",))
    dataset = replace(dataset_of([(0, 0, 1.0)], 1, 2), items=items, item_columns=columns)
    half = np.sqrt(0.5)
    assert np.allclose(item_labels(dataset).toarray(), [[1, 0, 1, half, half], [0, 1, 0, 0, 0]])


def test_what_nothing_describes_has_no_columns(dataset_of):
    dataset = dataset_of([(0, 0, 1.0)], 3, 2)
    assert user_labels(dataset).shape == (3, 0)
    assert item_labels(dataset).shape == (2, 0)
