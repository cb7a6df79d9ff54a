"""What an item is worth at a place of mean examination, from the logs alone: its rate, shrunk to that of all items."""

from typing import Final

import polars as pl

from nightschool.columns import ITEM_ID
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.logs import GROUP, REWARD, Logs
from nightschool.shown_table import PLACE

RATE: Final = "rate"

_FOLDS: Final = 5
_FOLD: Final = "fold"
_LOOKS: Final = "looks"
_PRIOR: Final = 20.0


def item_rates(logs: Logs, examined: Float64s) -> pl.DataFrame:
    """Estimate each item's rate for the users of each fold from those of the other folds: fold, item_id, rate.

    The chance of a reward at a place is examination x rate. Users are dealt into five folds, so that nobody's rewards
    are predicted from themselves (Chernozhukov et al. 2018, "Double/debiased machine learning"). Rates are shrunk to
    the mean of all items by 20 looks; the item null has that mean and stands for items that the others were not shown.

    Args:
        logs: The logged lists.
        examined: float64 [depth], the examination of each place, 1 on average.
    """
    looks = pl.Series(_LOOKS, examined[logs.rows[PLACE].to_numpy()])
    rows = logs.rows.select(_fold(), ITEM_ID, REWARD, looks)
    by_item = rows.group_by(_FOLD, ITEM_ID, maintain_order=True).agg(pl.col(REWARD, _LOOKS).sum())
    return pl.concat([_rates_of(by_item, fold) for fold in range(_FOLDS)])


def with_rates(rows: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Add the column `rate` to rows that have a group and an item_id; their order stays."""
    known = rows.with_columns(_fold()).join(rates, on=[_FOLD, ITEM_ID], how="left", maintain_order="left")
    means = rates.filter(pl.col(ITEM_ID).is_null()).select(_FOLD, pl.col(RATE).alias("mean"))
    both = known.join(means, on=_FOLD, how="left", maintain_order="left")
    return both.with_columns(pl.col(RATE).fill_null(pl.col("mean"))).drop(_FOLD, "mean")


def _fold() -> pl.Expr:
    return (pl.col(GROUP) % _FOLDS).cast(pl.Int32).alias(_FOLD)


def _rates_of(by_item: pl.DataFrame, fold: int) -> pl.DataFrame:
    others = (
        by_item.filter(pl.col(_FOLD) != fold).group_by(ITEM_ID, maintain_order=True).agg(pl.col(REWARD, _LOOKS).sum())
    )
    mean = float(others[REWARD].sum()) / max(float(others[_LOOKS].sum()), 1.0)
    rate = (pl.col(REWARD) + _PRIOR * mean) / (pl.col(_LOOKS) + _PRIOR)
    rates = others.select(ITEM_ID, rate.alias(RATE))
    unknown = pl.DataFrame({ITEM_ID: [None], RATE: [mean]}, schema=rates.schema)
    return pl.concat([rates, unknown]).with_columns(pl.lit(fold, pl.Int32).alias(_FOLD))
