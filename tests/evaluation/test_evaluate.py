import os
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
import pytest

from nightschool.columns import (
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    RATING,
    RELEVANT,
    SCORE,
    TEXT,
    TIMESTAMP,
    USER_ID,
    USER_INDEX,
)
from nightschool.contract import Dataset, Float32s, Indices, Split
from nightschool.data.build_log import build_event_log
from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.splits import splitting
from nightschool.evaluation.evaluate import evaluate, evaluate_ranking, prediction_errors, relevant_users, with_auc
from nightschool.item_columns import ItemColumns
from nightschool.ranking.topk import Ranking
from tests.data.logs import as_ingested

Pairs = dict[tuple[int, int], float]


def frame(pairs: Pairs) -> pl.DataFrame:
    rows = sorted((user, item, score) for (user, item), score in pairs.items())
    schema = {USER_INDEX: pl.Int32, ITEM_INDEX: pl.Int32, SCORE: pl.Float32}
    return pl.DataFrame(rows, schema=schema, orient="row")


def split_of(history: Pairs, held_out: Pairs, *, shape: tuple[int, int], gone: tuple[int, ...] = ()) -> Split:
    """A split whose held-out pairs are relevant from a score of 4."""
    available = np.ones(shape[1], dtype=bool)
    available[list(gone)] = False
    users = pl.DataFrame({USER_ID: range(shape[0])})
    items = pl.DataFrame({ITEM_ID: range(shape[1]), TEXT: None})
    interactions = frame(history).with_columns(pl.lit(None, INSTANT).alias(TIMESTAMP))
    dataset = Dataset(users[USER_ID], items[ITEM_ID], interactions, users, items, available)
    return Split("test", "by-hand", dataset, frame(held_out).with_columns((pl.col(SCORE) >= 4).alias(RELEVANT)))


class Fixed:
    """Gives every user the scores it was made with."""

    def __init__(self, scores: list[list[float]]) -> None:
        self.scores = np.array(scores, dtype=np.float32)
        self.blocks: list[int] = []

    def fit(self, _dataset: Dataset, *, seed: int) -> Self:
        del seed
        return self

    def score(self, user_indices: Indices) -> Float32s:
        self.blocks.append(len(user_indices))
        return self.scores[user_indices].copy()


class Predicting(Fixed):
    """Predicts the same scores as ratings."""

    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        return self.scores[user_indices, item_indices]


SPLIT = split_of(
    {(0, 0): 5, (1, 0): 0, (1, 1): 3, (3, 3): 1},
    {(0, 1): 4, (0, 2): 2, (0, 4): 5, (1, 3): 5, (2, 3): 5, (3, 0): 1},
    shape=(5, 5),
    gone=(4,),
)
ASCENDING = [[5.0, 4.0, 3.0, 2.0, 1.0]] * 5


def test_users_with_relevant_pairs_and_a_history_are_ranked() -> None:
    users = relevant_users(SPLIT)
    assert users.tolist() == [0, 1]
    assert users.dtype == np.int32


def test_an_evaluation_by_hand() -> None:
    found = evaluate(Fixed(ASCENDING), SPLIT, cutoffs=(1, 2))
    assert found.users.tolist() == [0, 1]
    assert found.values("precision", 1).tolist() == [1.0, 0.0]  # lists 1,2,3 and 2,3: seen and unavailable left out
    assert found.values("precision", 2).tolist() == [0.5, 0.5]
    assert found.values("recall", 2).tolist() == [0.5, 1.0]
    assert found.mean("hit_rate", 2) == 1.0
    assert found.mean("coverage", 1) == 0.5
    assert found.mean("outside_candidates") == 0.25
    assert found.mean("cold_users") == 1.0
    assert found.errors is None


def test_popularity_is_that_of_the_history_alone() -> None:
    found = evaluate(Fixed(ASCENDING), SPLIT, cutoffs=(1,))
    assert found.values("average_popularity", 1).tolist() == [1 / 3, 1 / 3]  # one of three users has item 1; 2 has none
    np.testing.assert_allclose(found.values("novelty", 1), np.log2([3, 3]))


def test_blocks_do_not_change_the_result() -> None:
    n_items = 1 << 17
    history: Pairs = {(user, 0): 1 for user in range(5)}
    split = split_of(history, {(user, user + 1): 5 for user in range(5)}, shape=(5, n_items))
    scores = np.zeros((5, n_items), dtype=np.float32)
    scores[np.arange(5), np.arange(5) + 1] = 1
    one, all_at_once = Fixed([[0.0]]), Fixed([[0.0]])
    one.scores = all_at_once.scores = scores
    first, second = (evaluate(model, split, megabytes=size) for model, size in ((one, 1), (all_at_once, 64)))
    assert len(one.blocks) > len(all_at_once.blocks)
    assert first.mean("ndcg", 10) == second.mean("ndcg", 10) == 1.0


def test_lists_that_exist_are_evaluated_for_users_with_relevant_pairs() -> None:
    lists = np.array([[3, 1], [3, -1], [0, 1]], dtype=np.int32)
    ranking = Ranking(lists, np.zeros((3, 2), dtype=np.float32))
    found = evaluate_ranking(ranking, np.array([0, 2, 3], dtype=np.int32), SPLIT, cutoffs=(2,))
    assert found.users.tolist() == [0, 2]
    assert found.values("hit_rate", 2).tolist() == [1.0, 1.0]
    assert found.values("mrr", 2).tolist() == [0.5, 1.0]


def test_padding_never_hits() -> None:
    split = split_of({(1, 0): 1}, {(0, 4): 5, (1, 1): 5}, shape=(2, 5))
    ranking = Ranking(np.full((1, 2), -1, dtype=np.int32), np.full((1, 2), -np.inf, dtype=np.float32))
    found = evaluate_ranking(ranking, np.array([1], dtype=np.int32), split, cutoffs=(2,))
    assert found.mean("hit_rate", 2) == 0.0


def test_errors_are_over_every_held_out_pair() -> None:
    found = evaluate(Predicting(ASCENDING), SPLIT)
    errors = np.array([0, 1, -4, -3, -3, 4], dtype=float)  # (0,1) (0,2) (0,4) (1,3) (2,3) (3,0)
    assert found.mean("rmse") == pytest.approx(np.sqrt((errors**2).mean()))
    assert found.mean("mae") == pytest.approx(np.abs(errors).mean())
    low, high = found.interval("rmse")
    assert low <= found.mean("rmse") <= high
    sums = prediction_errors(Predicting(ASCENDING), SPLIT)
    assert sums.users.tolist() == [0, 1, 2, 3]
    assert sums.pairs.tolist() == [3, 1, 1, 1]


def test_a_dislike_is_compared_as_the_lowest_score() -> None:
    split = split_of({(0, 0): 5}, {(0, 1): -10, (0, 2): 4}, shape=(1, 3))
    rated = replace(split, fitted=replace(split.fitted, score_range=(1.0, 5.0)))
    assert prediction_errors(Predicting([[3.0, 2.0, 4.0]]), rated).squared.tolist() == [1.0]
    assert prediction_errors(Predicting([[3.0, 2.0, 4.0]]), split).squared.tolist() == [4.0]


def test_auc_is_against_all_other_candidates() -> None:
    model = Fixed(ASCENDING)
    found = with_auc(evaluate(model, SPLIT), model, SPLIT)
    assert found.values("auc").tolist() == [1.0, 0.0]
    assert found.mean("auc") == 0.5


def test_nobody_to_rank_is_an_empty_evaluation() -> None:
    split = split_of({(0, 0): 1}, {(0, 1): 1}, shape=(1, 2))
    found = evaluate(Fixed([[1.0, 2.0]]), split)
    assert found.n_users == 0
    assert np.isnan(found.mean("ndcg", 10))
    assert np.isnan(found.interval("ndcg", 10)).all()


def test_held_out_pairs_cannot_reach_the_lists() -> None:
    rng = np.random.default_rng(0)
    history: Pairs = {(user, item): 1 for user in range(6) for item in range(8) if rng.random() < 0.3}
    free = [(user, item) for user in range(6) for item in range(8) if (user, item) not in history]
    truth: Pairs = dict.fromkeys(free[::3], 5)
    shuffled: Pairs = dict.fromkeys(free[1::3], 5)
    model = Fixed(rng.random((6, 8)).tolist())
    first, second = (split_of(history, pairs, shape=(6, 8)) for pairs in (truth, shuffled))
    same = np.intersect1d(relevant_users(first), relevant_users(second))
    novelty = [
        dict(zip(found.users.tolist(), found.values("novelty", 5).tolist(), strict=True))
        for found in (evaluate(model, split) for split in (first, second))
    ]
    assert len(same) > 2
    assert all(novelty[0][user] == novelty[1][user] for user in same.tolist())


class Popular(Fixed):
    """Scores items by how many users have them."""

    def __init__(self) -> None:
        super().__init__([[]])

    def fit(self, dataset: Dataset, *, seed: int) -> Self:
        del seed
        counts = np.bincount(dataset.interactions[ITEM_INDEX].to_numpy(), minlength=dataset.n_items)
        self.scores = np.repeat(counts[None, :].astype(np.float32), dataset.n_users, axis=0)
        return self


def test_popularity_on_movielens_100k_has_its_published_figures() -> None:
    file = Path(os.environ.get("NIGHTSCHOOL_TEST_DATA", "../shared/data")) / "movielens-100k" / "u.data"
    if not file.exists():
        pytest.skip(f"no {file}: set NIGHTSCHOOL_TEST_DATA to the folder of the test data")
    raw = pl.read_csv(file, separator="\t", has_header=False, new_columns=[USER_ID, ITEM_ID, RATING, "seconds"])
    rows = as_ingested(raw.select(USER_ID, ITEM_ID, pl.col(RATING).cast(pl.Float64)))
    log = build_event_log(None, None, rows, load_manifest("movielens-100k")).with_all_relevant()
    split = splitting.test_split(log, splitting.named_cut(log, "stratified-item", seed=42))
    found = evaluate(Popular().fit(split.fitted, seed=0), split)
    assert found.n_users == 943
    measured = [found.mean(metric, 10) for metric in ("ndcg", "precision", "recall")]
    assert measured == pytest.approx([0.2524, 0.2287, 0.1132], abs=5e-5)


def test_lists_are_measured_beyond_their_hits_where_the_dataset_allows_it() -> None:
    bare = evaluate(Fixed(ASCENDING), SPLIT, cutoffs=(2,))
    assert bare.values("serendipity", 2).tolist() == [0.0, 0.0]  # 1 and 3 are what popularity shows these users
    assert not {"diversity", "miscalibration"} & set(bare.per_user)
    items = SPLIT.fitted.items.with_columns(
        pl.Series(TEXT, ["oil", "oil", "oil", "ink", "ink"]), pl.Series("art", ["a", "a", "b", "b", "b"])
    )
    fitted = replace(SPLIT.fitted, items=items, item_columns=ItemColumns(categories=("art",)))
    told = evaluate(Fixed(ASCENDING), replace(SPLIT, fitted=fitted), cutoffs=(2,))
    assert told.values("precision", 2).tolist() == bare.values("precision", 2).tolist()
    # The lists are 1,2 and 2,3. A word of a single item of the catalogue, as ink is here, says nothing.
    np.testing.assert_allclose(told.values("diversity", 2), [0.5, 1 - np.sqrt(0.5)], atol=1e-6)
    expected = 0.99 * np.array([0.5, 0.0]) + 0.01
    np.testing.assert_allclose(told.values("miscalibration", 2), -np.log(expected))
