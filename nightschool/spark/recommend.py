"""Stage recommend on Spark: every list is made and checked, and figures are watched on a random sample of the users."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import polars as pl
from scipy.sparse import csr_array

from nightschool.columns import CONTEXT_LIFTS, ITEM_ID, ITEM_WEIGHTS, RANK, RECOMMENDATIONS, SCORE, USER_ID
from nightschool.data.dataset import EventLog
from nightschool.night.monitoring.lists import Since
from nightschool.night.monitoring.monitor import since_champion
from nightschool.night.night import Night
from nightschool.night.records import ContextualiseRecord
from nightschool.night.release.contexts import context_lifts
from nightschool.night.release.lists import read_table, write_rows, write_weights
from nightschool.night.release.stability import UNTIED, Tie, tie_to
from nightschool.ranking.foldin import ItemWeights
from nightschool.settings import Settings
from nightschool.spark.fit import load_recipe
from nightschool.spark.lists import Listed, Listing, audiences_on_parts, write_item_tables, write_lists
from nightschool.spark.refit import FITTED, load_fitting
from nightschool.vocabulary import CONTENT


class Recommended(NamedTuple):
    """What the stage has made.

    Attributes:
        listed: All lists.
        rows: Table to its number of rows.
        tie: What ties the lists to those of the release before.
        log: The log of the users of the first part, who are a random sample.
        lists: Their lists: user_id, item_id, rank, score.
    """

    listed: Listed
    rows: dict[str, int]
    tie: Tie
    log: EventLog
    lists: pl.DataFrame


def recommend_on_parts(
    night: Night,
    folders: tuple[Path, Path],
    content: csr_array | None,
    contextual: ContextualiseRecord,
    folder: Path,
) -> Recommended:
    """Write the tables of a release.

    Args:
        night: The night.
        folders: The folder of the parts, and that of the refitted recipe.
        content: The similarity of described items, for new users; None where the recipe has it or nothing is described.
        contextual: The contexts that are on.
        folder: Where to write.
    """
    parts_folder, refitted = folders
    fitting, megabytes = load_fitting(parts_folder, refitted), Settings().block_megabytes
    log = fitting.parts.log(0)
    dataset = log.dataset(elsewhere=fitting.parts.elsewhere("everything"))
    recommender = load_recipe(refitted / FITTED, dataset)
    since = _since(night, parts_folder) if night.config.stabilise else None
    tie = UNTIED if since is None else tie_to(since, recommender, dataset)
    audiences = audiences_on_parts(fitting.parts)
    listing = Listing(
        parts_folder,
        refitted / FITTED,
        audiences.names,
        audiences.scores,
        night.config.k,
        megabytes,
        since,
        replace(tie, listed=UNTIED.listed),
    )
    listed = write_lists(listing, folder)
    rows = {
        **listed.rows,
        **write_item_tables(fitting, recommender, audiences, folder, k=night.config.k, megabytes=megabytes),
    }
    items = fitting.items()
    if content is not None:
        rows[ITEM_WEIGHTS.name] += write_weights({CONTENT: ItemWeights(content)}, items, folder)
    rows[CONTEXT_LIFTS.name] = write_rows(context_lifts(dataset, log.contexts, contextual), folder, CONTEXT_LIFTS)
    theirs = read_table(listing.staging(0), RECOMMENDATIONS).select(USER_ID, ITEM_ID, RANK, SCORE).collect()
    return Recommended(listed, rows, tie, log, theirs)


def _since(night: Night, folder: Path) -> Since | None:
    """Return what there was since the release before, with its events as a file of the users who have any."""
    found = since_champion(night)
    if found is None:
        return None
    file = folder / "active.parquet"
    found.events.select(pl.col(USER_ID).unique()).sink_parquet(file)
    return Since(found.lists.select(USER_ID, ITEM_ID, RANK), pl.scan_parquet(file, glob=False))
