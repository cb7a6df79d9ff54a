"""The tables of a release by Spark: lists part by part, then in the order of user ids; items' tables by blocks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.hybrid import Hybrid
from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    CANDIDATE_SCORES,
    HISTORIES,
    ITEM_ID,
    ITEM_WEIGHTS,
    NEXT_ITEMS,
    RANK,
    RECOMMENDATIONS,
    SCORE,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    USER_ID,
)
from nightschool.contract import Float32s
from nightschool.night.departed import present
from nightschool.night.gates import Defects, ProposedLists, count_defects
from nightschool.night.monitoring.lists import Since
from nightschool.night.release.audiences import (
    Audiences,
    audience_names,
    audience_of_users,
    count_likes,
    join_audiences,
)
from nightschool.night.release.histories import histories
from nightschool.night.release.lists import ListWriter, read_table, staged_files, write_rows, write_weights
from nightschool.night.release.neighbours import similar_items, similar_users, weights_by_component
from nightschool.night.release.next_items import most_frequent
from nightschool.night.release.stability import Tie, listed_before
from nightschool.spark.fit import Fitting, load_recipe
from nightschool.spark.item_weights import co_occurrence, follower_counts
from nightschool.spark.jobs import on_executors, summed_on_executors
from nightschool.spark.parts import Parts, part_folder

USERS_A_FILE: Final = 32_768
"""Users of one file of the tables."""

_BY_USER: Final = (RECOMMENDATIONS, CANDIDATE_SCORES, HISTORIES, SIMILAR_USERS)
_LISTED: Final = "listed"
_ROWS_A_GROUP: Final = 65_536


@dataclass(frozen=True, eq=False)
class Listing:
    """How lists are made; executors get it.

    Attributes:
        folder: The folder of the parts.
        model: The folder of the fitted recipe.
        names: The audiences.
        scores: What `measure_audiences` measures of them.
        k: The length of a list.
        megabytes: Memory that a dense block of scores may take.
        since: The release before, which lists are tied to, and the events since; None: none.
        tie: How strongly.
    """

    folder: Path
    model: Path
    names: tuple[str, ...]
    scores: Float32s
    k: int
    megabytes: int
    since: Since | None
    tie: Tie

    def staging(self, part: int) -> Path:
        """Return the folder of a part's tables."""
        return part_folder(self.folder, part) / _LISTED


@dataclass(frozen=True)
class Listed:
    """What was listed; that of parts adds up.

    Attributes:
        rows: Table to its number of rows.
        defects: What the gates counted.
        items: The items that are in a list.
    """

    rows: Mapping[str, int]
    defects: Defects
    items: frozenset[int | str]

    def __add__(self, other: "Listed") -> "Listed":
        """Return both."""
        rows = {name: count + other.rows[name] for name, count in self.rows.items()}
        defects = {name: count + other.defects[name] for name, count in self.defects.items()}
        return Listed(rows, defects, self.items | other.items)


def audiences_on_parts(parts: Parts) -> Audiences:
    """Measure the audiences of all parts, without saying whose audience is which."""
    audience = parts.items().empty.audience
    values = None
    if audience is not None:
        columns = (part_folder(parts.folder, part) / "users.parquet" for part in range(len(parts)))
        frames = [pl.read_parquet(file, columns=[audience], glob=False) for file in columns]
        values = pl.concat(frames)[audience].cast(pl.String)
    names = audience_names(values)
    counts = summed_on_executors(partial(_count_likes, parts.folder, names), range(len(parts)), "audiences")
    return join_audiences(names, counts, parts.n_users, np.empty(0, dtype=np.int32))


def write_lists(listing: Listing, folder: Path) -> Listed:
    """Write the tables of users below the folder, in files of consecutive ids, and count the defects of the lists."""
    parts = Parts.load(listing.folder)
    listed = summed_on_executors(partial(_list_part, listing), range(len(parts)), "recommend")
    ids = pl.concat(
        pl.read_parquet(part_folder(parts.folder, part) / "users.parquet", columns=[USER_ID], glob=False)
        for part in range(len(parts))
    )[USER_ID].sort()
    bounds = [*ids.gather_every(USERS_A_FILE).to_list(), None]
    on_executors(partial(_join_users, listing, bounds, folder), range(len(bounds) - 1), "join")
    return listed


def write_item_tables(
    fitting: Fitting, recommender: Hybrid, audiences: Audiences, folder: Path, *, k: int, megabytes: int
) -> dict[str, int]:
    """Write the tables of items below the folder; return the number of rows by table."""
    items, counted = fitting.items(), fitting.counted
    together = co_occurrence(fitting.parts, fitting.view, counted, fitting.scratch)
    weights = weights_by_component(recommender, together)
    similar = similar_items(weights, together, items, megabytes)
    followers = follower_counts(fitting.parts, fitting.view, counted, fitting.scratch)
    return {
        ITEM_WEIGHTS.name: write_weights(weights, items, folder),
        SIMILAR_ITEMS.name: write_rows(similar, folder, SIMILAR_ITEMS),
        NEXT_ITEMS.name: write_rows(most_frequent(followers, counted.placed, items), folder, NEXT_ITEMS),
        AUDIENCE_RECOMMENDATIONS.name: write_rows(audiences.lists(items, k), folder, AUDIENCE_RECOMMENDATIONS),
    }


def _count_likes(folder: Path, names: tuple[str, ...], part: int) -> NDArray[np.float64]:
    return count_likes(Parts.load(folder).dataset(part, "everything"), names)


def _list_part(listing: Listing, part: int) -> Listed:
    """Write the tables of a part's users, in the order of their ids."""
    dataset = Parts.load(listing.folder).dataset(part, "everything")
    recommender = load_recipe(listing.model, dataset)
    audiences = Audiences(listing.names, listing.scores, audience_of_users(dataset, listing.names))
    tie = listing.tie
    if listing.since is not None:
        tie = replace(tie, listed=listed_before(listing.since, dataset))
    staging = listing.staging(part)
    writer = ListWriter(recommender, dataset, audiences, listing.k, tie)
    by_id = dataset.user_ids.arg_sort().to_numpy().astype(np.int32)
    rows = writer.write(by_id[present(dataset)[by_id]], staging, listing.megabytes)
    write_rows(histories(dataset), staging, HISTORIES)
    rows[SIMILAR_USERS.name] = write_rows(similar_users(dataset), staging, SIMILAR_USERS)
    lists = read_table(staging, RECOMMENDATIONS).select(USER_ID, ITEM_ID, RANK, SCORE).collect()
    defects = count_defects(ProposedLists(lists, dataset, listing.k, 0.0))
    return Listed(rows, defects, frozenset(lists[ITEM_ID].unique().to_list()))


def _join_users(listing: Listing, bounds: list[int | str | None], folder: Path, number: int) -> None:
    """Write the file of each table with the users between two ids."""
    first, last = bounds[number], bounds[number + 1]
    within = pl.col(USER_ID) >= first if last is None else (pl.col(USER_ID) >= first) & (pl.col(USER_ID) < last)
    for table in _BY_USER:
        files = [file for part in _all_parts(listing) for file in staged_files(listing.staging(part), table)]
        rows = pl.scan_parquet(files, glob=False, hive_partitioning=False).filter(within).collect()
        write_rows(rows.sort(USER_ID, maintain_order=True), folder, table, number)


def _all_parts(listing: Listing) -> range:
    return range(len(Parts.load(listing.folder)))
