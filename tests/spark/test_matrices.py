from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.autoencoders.item_gram import Sequences
from nightschool.evaluation.facts import ItemCounts
from nightschool.night.prepare import prepare_events
from nightschool.spark.matrices import likes_files, load_likes, load_sequences, write_matrices
from tests.spark.logs import divided, here, home_of, open_night, planted


@pytest.fixture
def both(tmp_path: Path, monkeypatch):
    night = open_night(home_of(planted(), tmp_path / "home"))
    parts = divided(night, tmp_path / "parts", 4, monkeypatch)
    return prepare_events(here(night)).log.dataset(), parts, write_matrices(parts, "everything")


def test_counts_are_those_of_all_users(both) -> None:
    dataset, _, counted = both
    expected = ItemCounts.of(dataset)
    np.testing.assert_array_equal(counted.items.seen, expected.seen)
    np.testing.assert_array_equal(counted.items.liked, expected.liked)
    assert counted.items.n_users == expected.n_users
    assert counted.likes == dataset.positives().nnz
    weighted = dataset.weighted_positives()
    np.testing.assert_allclose(counted.weighted, np.asarray(weighted.sum(axis=0)).ravel(), rtol=1e-6)


def test_likes_and_sequences_of_parts_are_those_of_all_users(both) -> None:
    dataset, parts, counted = both
    likes = dataset.positives()
    items = np.concatenate([load_likes(parts.folder, "everything", part)[0][1] for part in range(len(parts))])
    np.testing.assert_array_equal(items, likes.indices)
    by_item = [load_likes(parts.folder, "everything", part)[1][0] for part in range(len(parts))]
    np.testing.assert_array_equal(
        sum(np.diff(starts) for starts in by_item), np.bincount(likes.indices, minlength=dataset.n_items)
    )
    every = np.arange(dataset.n_items)
    expected = Sequences.of(dataset, every, dataset.n_items)
    found = [load_sequences(parts.folder, "everything", part, every, dataset.n_items) for part in range(len(parts))]
    np.testing.assert_array_equal(np.concatenate([each.items for each in found]), expected.items)
    assert counted.longest == np.diff(expected.bounds, axis=1).max()


def test_spark_gets_the_index_of_each_user_among_all(both) -> None:
    dataset, parts, _ = both
    rows = pl.concat([pl.read_parquet(file) for file in likes_files(parts, "everything")])
    likes = dataset.positives().tocoo()
    np.testing.assert_array_equal(rows["user_index"], likes.row)
    np.testing.assert_array_equal(rows["item_index"], likes.col)
