"""All tables of a release but its metrics, from a fitted recommender: the same for a night and for who rebuilds it."""

from pathlib import Path
from typing import NamedTuple

from scipy.sparse import csr_array

from nightschool.columns import CONTEXT_LIFTS, ITEM_WEIGHTS
from nightschool.contract import Blended
from nightschool.data.dataset import EventLog
from nightschool.night.monitoring.monitor import since_champion
from nightschool.night.night import Night
from nightschool.night.records import ContextualiseRecord
from nightschool.night.release.contexts import context_lifts
from nightschool.night.release.lists import write_rows, write_tables, write_weights
from nightschool.night.release.stability import UNTIED, Tie, tie_to
from nightschool.ranking.foldin import ItemWeights
from nightschool.settings import Settings
from nightschool.vocabulary import CONTENT


class Written(NamedTuple):
    """What was written below a folder.

    Attributes:
        rows: Table to its number of rows.
        tie: What ties the lists to those of the release before.
    """

    rows: dict[str, int]
    tie: Tie


def write_release_tables(
    night: Night,
    log: EventLog,
    recommender: Blended,
    content: csr_array | None,
    contextual: ContextualiseRecord,
    folder: Path,
) -> Written:
    """Write the tables of tonight's release below a folder.

    Args:
        night: The night.
        log: Everything known at T.
        recommender: Fitted on it.
        content: The similarity of described items, for new users; None where the recipe has it or nothing is described.
        contextual: The contexts that are on.
        folder: Where to write.
    """
    dataset, megabytes = log.dataset(), Settings().block_megabytes
    since = since_champion(night) if night.config.stabilise else None
    tie = UNTIED if since is None else tie_to(since, recommender, dataset)
    rows = write_tables(recommender, dataset, folder, k=night.config.k, megabytes=megabytes, tie=tie)
    if content is not None:
        rows[ITEM_WEIGHTS.name] += write_weights({CONTENT: ItemWeights(content)}, dataset, folder)
    rows[CONTEXT_LIFTS.name] = write_rows(context_lifts(dataset, log.contexts, contextual), folder, CONTEXT_LIFTS)
    return Written(rows, tie)
