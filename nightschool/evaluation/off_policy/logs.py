"""Lists that were shown by chance, as rows that tell what other lists would have got."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, LIST_ID, RANK, USER_ID
from nightschool.shown_table import (
    COMPLETED_AT,
    LIKED_AT,
    PLACE,
    PROPENSITY,
    SCENARIO,
    SHOWN_AT,
    TIMES,
    TUNED,
    VIEWED_AT,
)

CHANCE: Final = "chance"
SEEN_AT: Final = "seen_at"
TARGET: Final = "target"

REWARD: Final = "reward"
GROUP: Final = "group"
WEIGHT: Final = "weight"
EXPLORED: Final = "explored"

Reward = Literal["click", "completion"]
"""What counts: any good reaction to an item at its place, or its completion alone."""

UNCLIPPED: Final = float("inf")
MOST_PLACES: Final = 10
_REACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "click": (VIEWED_AT, LIKED_AT, COMPLETED_AT),
    "completion": (COMPLETED_AT,),
}
_REACHED_BY: Final = 0.8
_MOST_GROUPS: Final = 400
_LEAST_CHOSEN: Final = 0.5
_CLIPPED: Final = "clipped"
_SEED: Final = 18_011


@dataclass(frozen=True, eq=False)
class Logs:
    """Lists of a policy that explored, all cut at one depth.

    Attributes:
        rows: One row a list and place: list_id, user_id, item_id, place (from 0), reward (0 or 1), weight (one over
            the propensity), explored, group.
        lists: One row a list: list_id, user_id, shown_at, group.
        depth: Places of each list.
        groups: Into how many groups the users are dealt; the lists of a user are all in one.
        clipped: The share of the rows whose weight was clipped.
        left_out: Lists without impression, exploration or user, tuned by hand, of a scenario, or too short.
    """

    rows: pl.DataFrame
    lists: pl.DataFrame
    depth: int
    groups: int
    clipped: float
    left_out: int

    @property
    def explored(self) -> int:
        """How many slots were filled by chance."""
        return int(self.rows[EXPLORED].sum())

    def of_users(self, users: pl.Series) -> "Logs":
        """Keep the lists of these users."""
        return _dealt(replace(self, lists=self.lists.filter(pl.col(USER_ID).is_in(users.implode()))))


def read_logs(shown: pl.DataFrame, reward: Reward = "click", most_weight: float = UNCLIPPED) -> Logs:
    """Keep the lists that can tell about others: explored, tuned by no request and made for no scenario.

    Only impressions show a place: one that is known from a reaction alone would always have got one. The depth is the
    most places, up to ten, that four lists in five show from the first on without a gap. A slot that was not explored
    has a propensity of at least one half, since at most half of them are.

    Args:
        shown: One row a list and place that was shown: list_id, user_id, item_id, place (from 1), propensity, scenario,
            tuned, shown_at, times (impressions), and viewed_at, liked_at, completed_at, null where it did not happen.
        reward: What counts.
        most_weight: The largest weight of a row: larger ones are clipped to it, which makes intervals narrower and
            estimates biased.
    """
    by_chance = pl.col(PROPENSITY).max().over(LIST_ID) < 1
    plain = ~pl.col(TUNED) & (pl.col(SCENARIO).fill_null("") == "") & pl.col(USER_ID).is_not_null()
    usable = shown.filter(by_chance & plain & (pl.col(TIMES) > 0))
    in_order = (pl.col(PLACE).sort() == pl.int_range(1, pl.len() + 1)).cast(pl.Int64)
    lengths = usable.group_by(LIST_ID).agg(in_order.cum_prod().sum().alias("length"))
    reached = lengths["length"].quantile(1 - _REACHED_BY, "lower") or 1
    depth = min(max(int(reached), 1), MOST_PLACES)
    long_enough = lengths.filter(pl.col("length") >= depth)
    kept = usable.join(long_enough, on=LIST_ID, how="semi").filter(pl.col(PLACE) <= depth)
    rows = kept.select(
        LIST_ID,
        USER_ID,
        ITEM_ID,
        SHOWN_AT,
        (pl.col(PLACE) - 1).cast(pl.Int32),
        pl.any_horizontal(pl.col(name).is_not_null() for name in _REACTIONS[reward]).cast(pl.Float64).alias(REWARD),
        (1 / pl.col(PROPENSITY)).clip(upper_bound=most_weight).alias(WEIGHT),
        (pl.col(PROPENSITY) < _LEAST_CHOSEN).alias(EXPLORED),
        (1 / pl.col(PROPENSITY) > most_weight).alias(_CLIPPED),
    )
    lists = rows.group_by(LIST_ID).agg(pl.col(USER_ID).first(), pl.col(SHOWN_AT).min()).sort(LIST_ID)
    clipped = float(rows[_CLIPPED].sum()) / max(rows.height, 1)
    left_out = shown[LIST_ID].n_unique() - lists.height
    return _dealt(Logs(rows.drop(SHOWN_AT, _CLIPPED), lists, depth, 0, clipped, left_out))


def places_of(logs: Logs, ranked: pl.DataFrame, seen: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return at which place other lists would have shown each item: list_id, group, item_id, target (from 0), chance.

    Args:
        logs: The logged lists.
        ranked: user_id, item_id, rank (from 1) of the other lists. Where they explore, an item stands at each place
            that it may get, with its `chance` there.
        seen: user_id, item_id, seen_at: lists that are shown later leave the item out, and those below move up.
    """
    wanted = ranked if CHANCE in ranked.columns else ranked.with_columns(pl.lit(1.0).alias(CHANCE))
    found = logs.lists.join(wanted.select(USER_ID, ITEM_ID, RANK, CHANCE), on=USER_ID)
    if seen is not None:
        found = found.join(seen.select(USER_ID, ITEM_ID, SEEN_AT), on=[USER_ID, ITEM_ID], how="left")
        found = found.filter((pl.col(SEEN_AT) < pl.col(SHOWN_AT)).fill_null(value=False).not_())
        found = found.with_columns(pl.col(RANK).rank("dense").over(LIST_ID))
    place = (pl.col(RANK) - 1).cast(pl.Int32).alias(TARGET)
    return found.filter(pl.col(RANK) <= logs.depth).select(LIST_ID, GROUP, ITEM_ID, place, CHANCE)


def _dealt(logs: Logs) -> Logs:
    """Deal the users of the lists into at most 400 groups of about one size, at random; keep the rows of the lists."""
    users = logs.lists.select(pl.col(USER_ID).unique().sort())
    groups = min(users.height, _MOST_GROUPS)
    dealt = np.random.default_rng(_SEED).permutation(users.height) % max(groups, 1)
    lists = logs.lists.drop(GROUP, strict=False).join(users.with_columns(pl.Series(GROUP, dealt, pl.Int32)), on=USER_ID)
    rows = logs.rows.drop(GROUP, strict=False).join(lists.select(LIST_ID, GROUP), on=LIST_ID)
    return replace(logs, rows=rows, lists=lists, groups=groups)
