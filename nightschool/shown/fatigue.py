"""Fatigue: how much less often an item is taken up the more often a user has been shown it in vain."""

from datetime import timedelta
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from nightschool.columns import ITEM_ID, USER_ID
from nightschool.shown.attribution import REACTIONS
from nightschool.shown_table import PLACE, REJECTED_AT, SHOWN_AT, TUNED

MOST_SHOWN: Final = 10
"""Showings in vain that are told apart; more count as this many."""

MEMORY: Final = timedelta(days=28)
"""How long a showing in vain is remembered: after that an item comes back."""

PRIOR_CLICKS: Final = 50.0
"""Clicks that the belief weighs that an item is taken up as often as after one showing less."""

_PRIOR_SHOWINGS: Final = 50.0
"""Showings that the belief weighs that a place brings as many clicks as all places do."""

_NOTHING: Final = 1e-9

_CLICKED: Final = "clicked"
_CLICKED_AT: Final = "clicked_at"
_EARLIER: Final = "earlier"


class Fatigue(NamedTuple):
    """What remains of an item's relevance after showings in vain.

    Attributes:
        factors: By the number of showings in vain, from none on; the last holds for all above. They start with 1 and
            never rise.
        days: How long a showing in vain counts.
        shown: How many showings each factor was learned from; empty for factors that were set.
    """

    factors: tuple[float, ...]
    days: float
    shown: tuple[int, ...] = ()

    @classmethod
    def of_steps(cls, shown: int, factor: float, days: float) -> Self:
        """Return the fatigue that multiplies by a factor at every so many showings in vain."""
        return cls(tuple(factor ** (n // shown) for n in range(shown * MOST_SHOWN + 1)), days)

    def factors_of(self, showings: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what remains of relevance by numbers of showings in vain, float64 [n]."""
        found: NDArray[np.float64] = np.asarray(self.factors)[np.minimum(showings, len(self.factors) - 1)]
        return found


def learn_fatigue(shown: pl.DataFrame) -> Fatigue:
    """Learn what remains of an item's relevance from what was shown.

    The clicks after n showings in vain are divided by the clicks that first showings at the same places bring, which
    corrects for places in the simplest way. The ratio is made not to rise with n by isotonic regression, and each is
    shrunk towards the one before. It holds both what a user tires of and what showings in vain tell of the user's
    taste: for a ranking both count alike.

    Args:
        shown: user_id, item_id, place, tuned, shown_at and the first reactions; rows of no user, and those of requests
            that changed the list by hand, are left out.
    """
    rows = _earlier_showings(shown.filter(pl.col(USER_ID).is_not_null(), ~pl.col(TUNED)))
    first = rows.filter(pl.col(_EARLIER) == 0)
    overall = int(first[_CLICKED].sum()) / max(first.height, 1)
    by_place = first.group_by(PLACE).agg(
        ((pl.col(_CLICKED).sum() + _PRIOR_SHOWINGS * overall) / (pl.len() + _PRIOR_SHOWINGS)).alias("expected")
    )
    placed = rows.join(by_place, on=PLACE, how="left").with_columns(pl.col("expected").fill_null(overall))
    found = placed.group_by(_EARLIER).agg(pl.len(), pl.col(_CLICKED).sum(), pl.col("expected").sum())
    counts = pl.DataFrame({_EARLIER: range(MOST_SHOWN + 1)}, schema={_EARLIER: pl.Int64})
    counts = counts.join(found, on=_EARLIER, how="left", maintain_order="left").fill_null(0)
    expected = counts["expected"].to_numpy()
    ratios = counts[_CLICKED].to_numpy() / np.maximum(expected, _NOTHING)
    falling = isotonic_regression(ratios, weights=np.maximum(expected, _NOTHING), increasing=False).x
    factors = [1.0]
    for ratio, weight in zip(np.minimum(falling, 1.0)[1:].tolist(), expected[1:].tolist(), strict=True):
        factors.append((ratio * weight + PRIOR_CLICKS * factors[-1]) / (weight + PRIOR_CLICKS))
    return Fatigue(tuple(factors), MEMORY / timedelta(days=1), tuple(counts["len"].to_list()))


def _earlier_showings(shown: pl.DataFrame) -> pl.DataFrame:
    """Add whether each showing was clicked, and how many showings in vain came before it within the memory."""
    pair = [USER_ID, ITEM_ID]
    clicked_at = pl.min_horizontal(*(name for name in REACTIONS if name != REJECTED_AT))
    rows = shown.with_columns(clicked_at.alias(_CLICKED_AT)).sort(*pair, SHOWN_AT).with_row_index("row")
    rows = rows.with_columns(
        pl.col(_CLICKED_AT).is_not_null().alias(_CLICKED), pl.int_range(pl.len()).over(pair).alias("nth")
    )
    # The number of showings of the pair up to the newest one that no longer counts: clicked, or beyond the memory.
    clicked = pl.when(_CLICKED).then(pl.col("nth") + 1).cum_max().forward_fill().shift(1).over(pair).fill_null(0)
    rows = rows.with_columns(clicked.alias("after_click"))
    old = rows.select(*pair, pl.col(SHOWN_AT).alias("old_at"), (pl.col("nth") + 1).alias("before")).sort("old_at")
    dated = rows.with_columns((pl.col(SHOWN_AT) - MEMORY).alias("since")).sort("since")
    joined = dated.join_asof(
        old, left_on="since", right_on="old_at", by=pair, coalesce=False, check_sortedness=False
    ).sort("row")
    forgotten = pl.max_horizontal("after_click", pl.col("before").fill_null(0))
    earlier = (pl.col("nth") - forgotten).clip(0, MOST_SHOWN).cast(pl.Int64)
    return joined.with_columns(earlier.alias(_EARLIER))
