"""Whether the rows of a file without times stand in the order of time, as far as that can be shown."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from nightschool.columns import ALWAYS, AVAILABLE_AT, INSTANT, ITEM_ID, SOURCE_FILE, SOURCE_ROW, TIMESTAMP, USER_ID
from nightschool.contract import Indices, Recommender, Split
from nightschool.data.build_log import build_event_log
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.parse_values import to_text
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading
from nightschool.data.splits.shuffled_order import with_shuffled_order
from nightschool.data.splits.splitting import named_cut, test_split
from nightschool.errors import DataRefused
from nightschool.evaluation.evaluate import evaluate, relevant_users
from nightschool.evaluation.intervals import mean_intervals
from nightschool.inspection.logs import FileOrder, Log
from nightschool.inspection.looks import Look
from nightschool.inspection.survey import Survey

MODEL: Final = "transitions"
"""The model that is fitted to the file's order and to shuffled ones."""

_ROWS, _USERS, _ITEMS, _SEEDS, _K = 100_000, 2_000, 3_000, 3, 10
_FEWEST_USERS: Final = 100
_SORTED: Final = 0.9
"""Share of the steps from one row of a user to the next that go one way from which rows count as sorted."""

_ONE_WAY: Final = 0.5
"""Share of the items that no way leads back to from which all users have their rows in one order of the items."""

Create = Callable[[str, Mapping[str, Any]], Recommender]


def with_file_order(survey: Survey, create: Create) -> Survey:
    """Find out whether the interactions' rows stand in the order of time, where they have no times."""
    log = survey.match.log
    if log.time is not None or log.unsure is not None:
        return survey
    try:
        order = find_order(survey.main.family.first, log, create)
    except DataRefused as refusal:
        order = FileOrder(False, f"not shown: {refusal}")
    return replace(survey, match=replace(survey.match, log=replace(log, order=order)))


def find_order(look: Look, log: Log, create: Create) -> FileOrder:
    """Find out whether a file's order tells what a user does last.

    The first 100,000 rows are looked at, and in them the 3,000 most frequent items. The order is shown where a model of
    order finds the last items of 2,000 users better by it than by shuffled histories, drawn three times, and where rows
    are not sorted by something else that would predict as well: the items' ids, how often they come, or one order of
    the items for all users.

    Raises:
        NotFound: The file is gone.
        DataRefused: It cannot be read, or nothing in it follows anything.
    """
    rows = _frequent(_first_rows(look, log))
    if why := _is_sorted(rows):
        return FileOrder(False, f"not shown: {why}")
    split = _split(rows)
    users = relevant_users(split)[:_USERS]
    if len(users) < _FEWEST_USERS:
        return FileOrder(False, f"not shown: of the rows seen, only {len(users)} users have two items or more")
    return _compared(split, users, create)


def _first_rows(look: Look, log: Log) -> pl.DataFrame:
    """Return user_id and item_id of the file's first rows, as text."""
    found, n_rows = [], 0
    for batch in Reading(look.file, look.format, (log.user.name, log.item.name)).batches():
        raw = batch[RAW].struct
        found.append(
            pl.DataFrame({USER_ID: to_text(raw.field(log.user.name)), ITEM_ID: to_text(raw.field(log.item.name))})
        )
        n_rows += batch.height
        if n_rows >= _ROWS:
            break
    return pl.concat(found).drop_nulls().head(_ROWS)


def _frequent(rows: pl.DataFrame) -> pl.DataFrame:
    most = rows[ITEM_ID].value_counts(sort=True).head(_ITEMS)
    return rows.filter(pl.col(ITEM_ID).is_in(most[ITEM_ID].implode()))


def _is_sorted(rows: pl.DataFrame) -> str:
    """Return by what each user's rows are sorted that is no time; empty where by nothing that is known."""
    codes = rows.select(
        pl.col(ITEM_ID).rank("dense").cast(pl.Float64).alias("text"),
        pl.col(ITEM_ID).cast(pl.Float64, strict=False).alias("number"),
        pl.len().over(ITEM_ID).cast(pl.Float64).alias("count"),
        user=pl.col(USER_ID),
    ).sort("user", maintain_order=True)
    before, after = codes.head(-1), codes.slice(1)
    same = before["user"] == after["user"]
    by = {"text": "the item's id", "number": "the item's id", "count": "how often the items come"}
    for name, what in by.items():
        steps = (after[name] - before[name]).filter(same).drop_nulls().to_numpy()
        steps = steps[steps != 0]
        if len(steps) and max(np.mean(steps > 0), np.mean(steps < 0)) >= _SORTED:
            return f"the rows of each user are sorted by {what}"
    here, next_ = (frame["text"].filter(same).to_numpy() - 1 for frame in (before, after))
    if _share_of_one_way(here.astype(np.int64), next_.astype(np.int64)) >= _ONE_WAY:
        return "all users have their rows in one order of the items, as sorted rows have"
    return ""


def _share_of_one_way(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """Return the share of the items from which no steps lead back to themselves."""
    n_items = int(max(before.max(initial=0), after.max(initial=0))) + 1
    steps = csr_array((np.ones(len(before)), (before, after)), shape=(n_items, n_items))
    _, groups = connected_components(steps, connection="strong")
    seen = np.unique(np.concatenate([before, after]))
    return float(np.mean(np.bincount(groups)[groups[seen]] == 1)) if len(seen) else 1.0


def _split(rows: pl.DataFrame) -> Split:
    """Hold out each user's last item."""
    part = {"files": ["rows"], "user": USER_ID, "item": ITEM_ID, "order": "file"}
    manifest = Manifest.model_validate({"name": "rows", "score": "implicit", "interactions": part})
    log = build_event_log(
        None,
        None,
        rows.with_columns(
            pl.lit(None, INSTANT).alias(TIMESTAMP),
            pl.lit(ALWAYS, INSTANT).alias(AVAILABLE_AT),
            pl.lit("rows").alias(SOURCE_FILE),
            pl.int_range(pl.len()).alias(SOURCE_ROW),
        ),
        manifest,
    )
    return test_split(log, named_cut(log, "leave-last", seed=0))


def _compared(split: Split, users: Indices, create: Create) -> FileOrder:
    """Compare the file's order with shuffled ones by paired differences of ndcg@10."""

    def measured(given: Split) -> NDArray[np.float64]:
        model = create(MODEL, {}).fit(given.fitted, seed=0)
        return evaluate(model, given, users, cutoffs=(_K,)).values("ndcg", _K)

    ordered = measured(split)
    shuffled = np.mean([measured(with_shuffled_order(split, seed)) for seed in range(_SEEDS)], axis=0)
    ends = mean_intervals((ordered - shuffled)[:, None])
    low, high = float(ends.low[0]), float(ends.high[0])
    figures = (
        f"ndcg@{_K} of {MODEL} is {ordered.mean():.4f} in the file's order and {shuffled.mean():.4f} in shuffled ones "
        f"({low:+.4f} to {high:+.4f}, {len(users):,} users)"
    )
    return FileOrder(low > 0, figures if low > 0 else f"not shown: {figures}")
