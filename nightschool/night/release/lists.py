"""The tables of a release: lists, their candidate pool, neighbours, and fallback lists for cold-start users."""

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    BECAUSE_ITEM_ID,
    CANDIDATE_SCORES,
    HISTORIES,
    ITEM_ID,
    ITEM_WEIGHTS,
    NEXT_ITEMS,
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
from nightschool.contract import Blended, Dataset, Indices, Mask, Pool
from nightschool.night.departed import present
from nightschool.night.release.audiences import Audiences, measure_audiences
from nightschool.night.release.histories import histories
from nightschool.night.release.neighbours import (
    co_occurrence,
    item_weights,
    similar_items,
    similar_users,
    weights_by_component,
)
from nightschool.night.release.next_items import next_items
from nightschool.night.release.stability import UNTIED, Tie
from nightschool.progress import watch
from nightschool.ranking.blocks import block_users, in_blocks, row_blocks
from nightschool.ranking.candidates import join_pools, rank_pool
from nightschool.ranking.explain import Reasons, can_explain, contributions_of, strongest_reasons
from nightschool.ranking.fallback import Fallback
from nightschool.ranking.foldin import ItemWeights
from nightschool.ranking.self_attention import Attends
from nightschool.ranking.topk import Ranking, join_rankings
from nightschool.storage.serving_networks import NETWORKS, write_network
from nightschool.storage.serving_weights import WEIGHTS, write_item_weights
from nightschool.vocabulary import (
    AUDIENCE_LIST,
    BECAUSE_OF_ITEM,
    CONTENT,
    POPULAR,
    POPULAR_IN_AUDIENCE,
    SIMILAR_CONTENT,
    WHOLE_HISTORY,
)

LEARNED: Final = "learned"
"""Folder, beside those of the tables, of the files of components for servers."""
_USERS_A_FILE = 8192
_EXPLAINING_BYTES = 32 << 20
"""Memory that one core may take for what each like adds to each place of the lists of some users."""


def write_tables(
    recommender: Blended, dataset: Dataset, folder: Path, *, k: int, megabytes: int, tie: Tie = UNTIED
) -> dict[str, int]:
    """Write the tables below the folder, one subfolder of Parquet files each, and return the number of rows by table.

    Users without a signal of their own get their audience's list, and those who have left get none. Rows are in the
    order of each table's key. The histories that the lists were made from are written too, and are not counted; so are
    the networks of components that score by one.
    """
    write_rows(histories(dataset), folder, HISTORIES)
    for name, part in recommender.parts.items():
        if isinstance(part, Attends):
            write_network(NETWORKS.path(folder / LEARNED, name), part.network(), dataset.item_ids)
    audiences = measure_audiences(dataset)
    co_occurring = co_occurrence(dataset)
    weights = weights_by_component(recommender, co_occurring)
    writer = ListWriter(recommender, dataset, audiences, k, tie)
    by_id = dataset.user_ids.arg_sort().to_numpy().astype(np.int32)
    counts = writer.write(by_id[present(dataset)[by_id]], folder, megabytes)
    # One core sorts the weights while the others find similar users.
    with ThreadPoolExecutor(1) as sorting:
        weighed = sorting.submit(write_weights, weights, dataset, folder)
        counts[SIMILAR_USERS.name] = write_rows(similar_users(dataset), folder, SIMILAR_USERS)
        counts[SIMILAR_ITEMS.name] = write_rows(
            similar_items(weights, co_occurring, dataset, megabytes), folder, SIMILAR_ITEMS
        )
        counts[NEXT_ITEMS.name] = write_rows(next_items(dataset), folder, NEXT_ITEMS)
        counts[AUDIENCE_RECOMMENDATIONS.name] = write_rows(
            audiences.lists(dataset, k), folder, AUDIENCE_RECOMMENDATIONS
        )
        counts[ITEM_WEIGHTS.name] = weighed.result()
    return counts


def write_weights(weights: Mapping[str, ItemWeights], dataset: Dataset, folder: Path) -> int:
    """Write `item_weights` as one file a component, so that another can be added; return the number of rows.

    The file of each component for servers is written too.
    """
    for name, each in weights.items():
        write_item_weights(WEIGHTS.path(folder / LEARNED, name), each, dataset.item_ids, dataset.available)
    named = {name: {name: each} for name, each in weights.items()} or {"": {}}
    return sum(write_rows(item_weights(each, dataset), folder, ITEM_WEIGHTS, name) for name, each in named.items())


def staged_files(folder: Path, table: Table) -> list[Path]:
    """Return the files of a table below the folder, in the order of their rows."""
    return sorted((folder / table.name).glob("*.parquet"))


def read_table(folder: Path, table: Table) -> pl.LazyFrame:
    """Scan the rows of a table below the folder."""
    return pl.scan_parquet(staged_files(folder, table), glob=False, hive_partitioning=False)


def write_rows(frame: pl.DataFrame, folder: Path, table: Table, part: int | str = 0) -> int:
    """Write one file of a table below the folder; return its number of rows."""
    target = folder / table.name
    target.mkdir(parents=True, exist_ok=True)
    file = target / (f"{part:05}.parquet" if isinstance(part, int) else f"{part or 0}.parquet")
    # Two tries of one task of Spark may write at the same time.
    draft = file.with_suffix(f".{os.getpid()}")
    frame.write_parquet(draft)
    draft.replace(file)
    return frame.height


class _RankedUsers(NamedTuple):
    """The lists of n users, and where their items come from.

    Attributes:
        ranking: The lists.
        pool: The candidates that they were ranked from; none for users who got a fallback.
        source: int8 [n, k], the component with the largest contribution to each item; n_components for the audience.
        because: int32 [n, k], the history item that adds most to each item's score; -1 where none does.
        component: int8 [n, k], the component by whose score it does so most; -1 likewise.
        fallback: bool [n], the users who got their audience's list.
    """

    ranking: Ranking
    pool: Pool
    source: NDArray[np.int8]
    because: Indices
    component: NDArray[np.int8]
    fallback: Mask


class ListWriter:
    """A writer of the two large tables: it ranks users block by block."""

    def __init__(self, recommender: Blended, dataset: Dataset, audiences: Audiences, k: int, tie: Tie) -> None:
        self._recommender = recommender
        self._dataset = dataset
        self._k = k
        self._tie = tie
        self._names = tuple(recommender.parts)
        shares = [component.weight for component in recommender.recipe.components]
        self._shares = np.array(shares, dtype=np.float32)[:, None, None]
        self._unexplained = np.array([*(name in recommender.unexplained for name in self._names), True])
        self._explaining = ~self._unexplained & [*map(can_explain, recommender.parts.values()), False]
        self._histories = dataset.histories()
        seen = self._histories.scores
        self._fallback = Fallback(audiences.scores, audiences.of_user, dataset.cold_users, seen, dataset.available)
        # Rows are in the order of their key, so the pool's items are by id, and not by index.
        self._place_of_item = np.argsort(dataset.item_ids.arg_sort().to_numpy()).astype(np.int32)

    def write(self, users: Indices, folder: Path, megabytes: int) -> dict[str, int]:
        """Write the rows of the users in order, one block while the next is ranked; return the number by table."""
        starts = range(0, len(users), _USERS_A_FILE)
        with ThreadPoolExecutor(1) as writing:
            written: list[Future[tuple[int, int]]] = []
            for part, start in enumerate(watch(starts, "recommend", len(starts))):
                block = users[start : start + _USERS_A_FILE]
                lists = self._ranked(block, megabytes)
                if written:
                    written[-1].result()  # no more than one block waits in memory
                written.append(writing.submit(self._write, block, lists, folder, part))
            counts = [part.result() for part in written]
        listed, pooled = (sum(rows) for rows in zip((0, 0), *counts, strict=True))
        return {RECOMMENDATIONS.name: listed, CANDIDATE_SCORES.name: pooled}

    def _write(self, users: Indices, lists: _RankedUsers, folder: Path, part: int) -> tuple[int, int]:
        """Write one block; return its number of rows of `recommendations` and of `candidate_scores`."""
        listed = write_rows(self._list_rows(users, lists), folder, RECOMMENDATIONS, part)
        return listed, write_rows(self._pool_rows(users, lists.pool), folder, CANDIDATE_SCORES, part)

    def _ranked(self, users: Indices, megabytes: int) -> _RankedUsers:
        size = block_users(self._dataset.n_items, megabytes, components=len(self._names) + 1)
        blocks = list(in_blocks(self._lists, users, size))
        return _RankedUsers(
            join_rankings([block.ranking for block in blocks]),
            join_pools([block.pool for block in blocks]),
            *(np.concatenate(parts) for parts in zip(*(block[2:] for block in blocks), strict=True)),
        )

    def _lists(self, users: Indices) -> _RankedUsers:
        pool = self._recommender.pool(users)
        scores = self._tie.apply(self._recommender.combine(pool, users), pool, users)
        ranking, places = rank_pool(pool, scores, self._k)
        shared = self._shares * pool.scores
        if not shared.shape[2]:
            shared = np.zeros((*shared.shape[:2], 1), dtype=np.float32)  # everybody has seen everything
        contributions = np.take_along_axis(shared, np.maximum(places, 0)[None], axis=2)
        contributions[self._shares[:, 0, 0] <= 0] = -np.inf
        source = contributions.argmax(axis=0).astype(np.int8)
        fallback = self._fallback.replace_quiet(ranking, pool, users)
        source[fallback] = len(self._names)
        pool.items[fallback] = -1
        reasons = self._explain(users, ranking.items, pool)
        reasons.because[~self._explaining[source]] = -1
        return _RankedUsers(ranking, pool, source, *reasons, fallback)

    def _explain(self, users: Indices, items: Indices, pool: Pool) -> Reasons:
        """Find the likes that move the blended scores most, as far as the components can tell."""
        explaining = np.flatnonzero(self._explaining[:-1] & (self._shares[:, 0, 0] != 0))
        parts = [[*self._recommender.parts.values()][component] for component in explaining]
        scales = self._shares[explaining, 0] * pool.scales[explaining]

        def explain(rows: slice) -> Reasons:
            histories = self._histories[users[rows]]
            contributions = [contributions_of(part, histories, items[rows]) for part in parts]
            return strongest_reasons(items[rows], histories, contributions, np.ascontiguousarray(scales[:, rows]))

        a_like = 2 * max(len(parts), 1) * items[:1].nbytes
        n_likes = np.diff(self._histories.scores.indptr)[users]
        rows_of_blocks = [*row_blocks(n_likes, _EXPLAINING_BYTES // max(a_like, 1))] or [slice(0)]
        because, component = map(np.concatenate, zip(*map(explain, rows_of_blocks), strict=True))
        return Reasons(because, np.append(explaining, -1)[component].astype(np.int8))

    def _list_rows(self, users: Indices, lists: _RankedUsers) -> pl.DataFrame:
        rows, places = np.nonzero(lists.ranking.items >= 0)
        source, because = lists.source[rows, places], lists.because[rows, places]
        component = lists.component[rows, places]
        names = pl.Series([*self._names, AUDIENCE_LIST])
        theirs = lists.fallback[rows] & (self._fallback.of_user[users[rows]] > 0)
        return pl.DataFrame(
            {
                USER_ID: self._dataset.user_ids[users[rows]],
                ITEM_ID: self._dataset.item_ids[lists.ranking.items[rows, places]],
                RANK: (places + 1).astype(np.int32),
                SCORE: lists.ranking.scores[rows, places],
                SOURCE: names[source],
                REASON: self._reasons(source, because, component, theirs),
                BECAUSE_ITEM_ID: self._dataset.item_ids.gather(pl.Series(because).replace(-1, None)),
            }
        )

    def _reasons(
        self, source: NDArray[np.int8], because: Indices, component: NDArray[np.int8], theirs: Mask
    ) -> pl.Series:
        codes = pl.Series([BECAUSE_OF_ITEM, SIMILAR_CONTENT, WHOLE_HISTORY, POPULAR, POPULAR_IN_AUDIENCE])
        by_content = np.array([name == CONTENT for name in self._names])[component]
        return codes[np.select([theirs, self._unexplained[source], because < 0, by_content], [4, 3, 2, 1], default=0)]

    def _pool_rows(self, users: Indices, pool: Pool) -> pl.DataFrame:
        by_id = np.where(pool.items < 0, np.iinfo(np.int32).max, self._place_of_item[pool.items])
        order = np.argsort(by_id, axis=1)
        rows, places = np.nonzero(np.take_along_axis(pool.items, order, axis=1) >= 0)
        places = order[rows, places]
        components = {name: pool.scores[index, rows, places] for index, name in enumerate(self._names)}
        items = self._dataset.item_ids[pool.items[rows, places]]
        return pl.DataFrame({USER_ID: self._dataset.user_ids[users[rows]], ITEM_ID: items, **components})
