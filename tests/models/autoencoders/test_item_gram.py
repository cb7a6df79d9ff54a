from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from models.autoencoders.item_gram import ItemGram, Sequences

MORNING = datetime(2025, 1, 1, tzinfo=UTC)


def with_minutes(dataset, minutes):
    """The dataset with the minute of each pair; None: no time."""
    instants = [None if minute is None else MORNING + timedelta(minutes=minute) for minute in minutes]
    times = pl.Series("timestamp", instants, dtype=pl.Datetime("us", "UTC"))
    return replace(dataset, interactions=dataset.interactions.with_columns(times))


def nearness(histories, n_items):
    """The sum over histories in the order of time, one pair of places after another."""
    expected = np.zeros((n_items, n_items))
    for history in histories:
        for place, item in enumerate(history):
            for other_place, other in enumerate(history):
                expected[item, other] += np.exp(-abs(place - other_place) / 5)
    return expected


def all_rows(item_gram):
    return item_gram.rows(np.arange(item_gram.n_items), np.float64)


@pytest.fixture
def likes():
    rng = np.random.default_rng(0)
    return csr_array((rng.random((30, 70)) < 0.2) * rng.choice([1.0, 0.5], (30, 70))).astype(np.float32)


def test_likes_alone_are_the_gram_matrix(likes):
    dense = likes.toarray().astype(np.float64)
    item_gram = ItemGram.of_likes(likes)
    np.testing.assert_allclose(all_rows(item_gram), dense.T @ dense, rtol=1e-6)
    np.testing.assert_allclose(item_gram.diagonal(), (dense**2).sum(axis=0))
    gram = item_gram.sparse(item_gram.entries_by_row())
    np.testing.assert_allclose(gram.toarray(), dense.T @ dense, rtol=1e-6)
    assert gram.nnz == np.count_nonzero(dense.T @ dense)
    assert gram.has_sorted_indices


def test_some_rows_are_those_of_all(likes):
    item_gram = ItemGram.of_likes(likes)
    some = np.array([3, 69, 0])
    assert np.array_equal(item_gram.rows(some, np.float32), item_gram.rows(np.arange(70), np.float32)[some])


def test_content_is_added(likes):
    features = csr_array(np.random.default_rng(1).random((70, 9)).astype(np.float32))
    item_gram = ItemGram(likes, features, Sequences.none(70), content=3.0)
    expected = all_rows(ItemGram.of_likes(likes))
    expected += 3 * (features @ features.T).toarray()
    np.testing.assert_allclose(all_rows(item_gram), expected, rtol=1e-5)
    np.testing.assert_allclose(item_gram.diagonal(), expected.diagonal(), rtol=1e-5)
    assert np.array_equal(item_gram.counts(), ItemGram.of_likes(likes).counts())


def test_time_orders_a_history_and_equal_times_are_by_item(dataset_of):
    pairs = [(0, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0), (0, 3, 0.0), (1, 1, 1.0), (1, 2, 1.0), (1, 4, 1.0)]
    dataset = with_minutes(dataset_of(pairs, 2, 5), [9, 5, 5, 1, None, 2, 1])
    sequences = Sequences.of(dataset, np.arange(5), 5)
    assert sequences.items.tolist() == [1, 2, 0, 4, 2]
    item_gram = ItemGram(csr_array((2, 5), dtype=np.float32), _nothing(5), sequences, cotime=2.0)
    expected = 2 * nearness([[1, 2, 0], [4, 2]], 5)
    np.testing.assert_allclose(all_rows(item_gram), expected, atol=1e-6)
    np.testing.assert_allclose(item_gram.diagonal(), expected.diagonal())


def test_without_times_nothing_is_near(dataset_of):
    never = with_minutes(dataset_of([(0, 0, 1.0), (0, 1, 1.0)], 1, 2), [None, None])
    for dataset in (never, replace(never, interactions=never.interactions.drop("timestamp"))):
        assert not len(Sequences.of(dataset, np.arange(2), 2).items)


def test_nearness_in_time_is_that_of_a_plain_loop_in_long_histories(dataset_of):
    rng = np.random.default_rng(2)
    histories = [rng.permutation(100)[:length] for length in (1, 40, 100)]
    timed = [(user, int(item), minute) for user, items in enumerate(histories) for minute, item in enumerate(items)]
    timed.sort()
    dataset = with_minutes(
        dataset_of([(user, item, 1.0) for user, item, _ in timed], 3, 100), [minute for *_, minute in timed]
    )
    item_gram = ItemGram(dataset.positives(), _nothing(100), Sequences.of(dataset, np.arange(100), 100), cotime=1.0)
    expected = all_rows(ItemGram.of_likes(dataset.positives())) + nearness(histories, 100)
    np.testing.assert_allclose(all_rows(item_gram), expected, atol=3e-5)
    gram = item_gram.sparse(item_gram.entries_by_row())
    np.testing.assert_allclose(gram.toarray(), expected, atol=3e-5)


def _nothing(n_items):
    return csr_array((n_items, 0), dtype=np.float32)


def test_vectors_are_further_features():
    rng = np.random.default_rng(3)
    likes = csr_array(rng.integers(0, 2, (30, 20)).astype(np.float32))
    words, vectors = (rng.normal(size=(20, width)).astype(np.float32) for width in (6, 4))
    both = ItemGram(likes, csr_array(words), Sequences.none(20), content=3.0, vectors=vectors)
    expected = likes.T @ likes + 3.0 * (words @ words.T + vectors @ vectors.T)
    np.testing.assert_allclose(both.rows(np.arange(20), np.float64), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(both.diagonal(), np.diag(expected), rtol=1e-5)
    by_item, _, weight = both.described()
    joined = csr_array(by_item[::-1], shape=(20, 10))
    np.testing.assert_allclose(weight * (joined @ joined.T).toarray(), expected - likes.T @ likes, atol=1e-4)
