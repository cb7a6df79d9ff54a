"""The histories that a release's lists were made from, for serving between two nights."""

import polars as pl

from nightschool.columns import ITEM_ID, ITEM_INDEX, SCORE, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Dataset
from nightschool.night.departed import present

_PLACE = "place"


def histories(dataset: Dataset) -> pl.DataFrame:
    """Return user_id, item_id, score, timestamp of every merged pair by user, the newest first.

    Pairs without an order are sorted by item. Dislikes are included; pairs of users who have left are not. The score is
    the one that the lists were made with, below zero for dislikes; the timestamp is the pair's latest event, null where
    the data have no time.
    """
    kept = present(dataset)[dataset.interactions[USER_INDEX].to_numpy()]
    pairs = dataset.interactions.filter(pl.Series(kept))
    # Places in the order of ids sort faster than ids.
    by_item = dataset.item_ids.arg_sort().arg_sort().gather(pairs[ITEM_INDEX]).to_numpy()
    order = pl.DataFrame(
        {
            USER_ID: dataset.user_ids.arg_sort().arg_sort().gather(pairs[USER_INDEX]),
            _PLACE: by_item if dataset.places is None else dataset.places[kept],
        }
    )
    places = order.select(pl.arg_sort_by(USER_ID, _PLACE)).to_series()
    return pl.DataFrame(
        {
            USER_ID: dataset.user_ids.gather(pairs[USER_INDEX].gather(places)),
            ITEM_ID: dataset.item_ids.gather(pairs[ITEM_INDEX].gather(places)),
            SCORE: pairs[SCORE].gather(places),
            TIMESTAMP: pairs[TIMESTAMP].gather(places),
        }
    )
