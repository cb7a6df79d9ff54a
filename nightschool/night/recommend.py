"""The tables of a release: lists, the pool behind them, neighbours, and lists for users nobody knows."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    BECAUSE_ITEM_ID,
    CANDIDATE_SCORES,
    ITEM_ID,
    ITEM_WEIGHTS,
    RANK,
    REASON,
    RECOMMENDATIONS,
    SCORE,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    SOURCE,
    USER_ID,
    Table,
)
from nightschool.contract import Blended, Dataset, Float32s, Indices, Mask
from nightschool.night.audiences import Audiences, measure_audiences
from nightschool.night.neighbours import item_weights, similar_items, similar_users, weights_by_component
from nightschool.night.select import CONTENT, POPULARITY
from nightschool.progress import watch
from nightschool.ranking.blend import blend
from nightschool.ranking.explain import strongest_reasons
from nightschool.ranking.fallback import Fallback
from nightschool.ranking.foldin import positive
from nightschool.ranking.topk import Ranking, block_users, top_k

AUDIENCE = "audience"


def write_tables(recommender: Blended, dataset: Dataset, folder: Path, *, k: int, megabytes: int) -> dict[str, int]:
    """Rows by table, written below the folder as one subfolder of Parquet files a table.

    Users with no signal of their own get their audience's list. Rows are in the order of each table's key.
    """
    audiences = measure_audiences(dataset)
    weights = weights_by_component(recommender)
    writer = ListWriter(recommender, dataset, audiences, weights, k)
    counts = {RECOMMENDATIONS.name: 0, CANDIDATE_SCORES.name: 0}
    users = dataset.user_ids.arg_sort().to_numpy().astype(np.int32)
    size = block_users(dataset.n_items, megabytes, components=len(recommender.parts) + 2)
    starts = range(0, len(users), size)
    for part, start in enumerate(watch(starts, "recommend", len(starts))):
        lists, pool = writer.block(users[start : start + size])
        counts[RECOMMENDATIONS.name] += _write(lists, folder, RECOMMENDATIONS, part)
        counts[CANDIDATE_SCORES.name] += _write(pool, folder, CANDIDATE_SCORES, part)
    counts[SIMILAR_ITEMS.name] = _write(similar_items(weights, dataset, megabytes), folder, SIMILAR_ITEMS)
    counts[SIMILAR_USERS.name] = _write(similar_users(dataset), folder, SIMILAR_USERS)
    counts[ITEM_WEIGHTS.name] = _write(item_weights(weights, dataset), folder, ITEM_WEIGHTS)
    counts[AUDIENCE_RECOMMENDATIONS.name] = _write(audiences.lists(dataset, k), folder, AUDIENCE_RECOMMENDATIONS)
    return counts


def read_table(folder: Path, table: Table) -> pl.LazyFrame:
    """A table that `write_tables` left below the folder."""
    return pl.scan_parquet(folder / table.name / "*.parquet")


def _write(frame: pl.DataFrame, folder: Path, table: Table, part: int = 0) -> int:
    target = folder / table.name
    target.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(target / f"{part:05}.parquet")
    return frame.height


class ListWriter:
    """Turns blocks of users into rows of the two large tables."""

    def __init__(
        self, recommender: Blended, dataset: Dataset, audiences: Audiences, weights: dict[str, csr_array], k: int
    ) -> None:
        self._recommender = recommender
        self._dataset = dataset
        self._weights = weights
        self._k = k
        self._names = tuple(recommender.parts)
        self._shares = np.array([component.weight for component in recommender.recipe.components], dtype=np.float32)
        history = dataset.history()
        self._fallback = Fallback(audiences.scores, audiences.of_user, dataset.strangers, history, dataset.available)
        self._liked = positive(history)
        self._item_order = dataset.item_ids.arg_sort().to_numpy().astype(np.int32)

    def block(self, users: Indices) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows of `recommendations` and of `candidate_scores`, in the order of the users given."""
        scores, pool = self._recommender.component_scores(users)
        combined = blend(scores, self._shares, pool)
        quiet = self._fallback.replace_quiet(combined, scores, users)
        ranked = top_k(combined, self._k)
        pool[quiet] = False
        return self._list_rows(users, ranked, scores, quiet), self._pool_rows(users, scores, pool)

    def _list_rows(self, users: Indices, ranked: Ranking, scores: Float32s, quiet: Mask) -> pl.DataFrame:
        rows, places = np.nonzero(ranked.items >= 0)
        items = ranked.items[rows, places]
        contributions = self._shares[:, None] * scores[:, rows, items]
        source = np.where(quiet[rows], len(self._names), contributions.argmax(axis=0))
        because = self._because(users, ranked)[source, rows, places]
        names = pl.Series([*self._names, AUDIENCE])
        because_ids = self._dataset.item_ids.gather(pl.Series(because).replace(-1, None))
        return pl.DataFrame(
            {
                USER_ID: self._dataset.user_ids[users[rows]],
                ITEM_ID: self._dataset.item_ids[items],
                RANK: (places + 1).astype(np.int32),
                SCORE: ranked.scores[rows, places],
                SOURCE: names[source],
                REASON: self._reasons(source, because, quiet[rows] & (self._fallback.of_user[users[rows]] > 0)),
                BECAUSE_ITEM_ID: because_ids,
            }
        )

    def _because(self, users: Indices, ranked: Ranking) -> NDArray[np.int32]:
        """The strongest history item by source, int32 [n_components + 1, b, k]; -1 where nothing speaks for it."""
        history = self._liked[users]
        told = {name: strongest_reasons(ranked.items, history, matrix) for name, matrix in self._weights.items()}
        nothing = np.full_like(ranked.items, -1)
        other = next(iter(told.values()), nothing)
        by_source = [nothing if name == POPULARITY else told.get(name, other) for name in self._names]
        return np.stack([*by_source, nothing])

    def _reasons(self, source: NDArray[np.int64], because: NDArray[np.int32], theirs: Mask) -> pl.Series:
        codes = pl.Series(["because_of_item", "similar_content", "popular", "audience"])
        content = self._names.index(CONTENT) if CONTENT in self._names else -1
        code = np.select([theirs, because < 0, source == content], [3, 2, 1], default=0)
        return codes[code]

    def _pool_rows(self, users: Indices, scores: Float32s, pool: Mask) -> pl.DataFrame:
        rows, columns = np.nonzero(pool[:, self._item_order])
        items = self._item_order[columns]
        components = {name: scores[index, rows, items] for index, name in enumerate(self._names)}
        return pl.DataFrame(
            {USER_ID: self._dataset.user_ids[users[rows]], ITEM_ID: self._dataset.item_ids[items], **components}
        )
