"""The effects of signals and filters on the events of a fit: rows of a table, and the users who were set aside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
import polars as pl

from nightschool.columns import ITEM_INDEX, N_EVENTS, NEGATIVE, REASON, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Indices, Mask
from nightschool.data.dataset import EventLog
from nightschool.data.filters import Elsewhere, Filtered, filter_events
from nightschool.data.negatives import sample_negatives
from nightschool.night.config import NightConfig

SUSPECTED_BOT = "suspected_bot"

Row = dict[str, str | int]


@dataclass(frozen=True, eq=False)
class Touched:
    """What a rule affects; of users apart it adds up.

    Attributes:
        rule: Its name.
        setting: How it is set; empty where it is off.
        rows: Events.
        users: How many users.
        items: Which items, int32 ascending.
    """

    rule: str
    setting: str
    rows: int
    users: int
    items: Indices

    @classmethod
    def by(cls, rule: str, setting: str, events: pl.DataFrame) -> "Touched":
        """Count the events that a rule affects."""
        items = np.unique(events[ITEM_INDEX].to_numpy())
        return cls(rule, setting, events.height, events[USER_INDEX].n_unique(), items)

    def __add__(self, other: "Touched") -> "Touched":
        """Return what the rule affects of both."""
        items = np.union1d(self.items, other.items)
        return replace(self, rows=self.rows + other.rows, users=self.users + other.users, items=items)

    @property
    def row(self) -> Row:
        """The entry of the table: rule, setting, and how many rows, users and items it affects."""
        counts = {"rows": self.rows, "users": self.users, "items": len(self.items)}
        return {"rule": self.rule, "setting": self.setting or "off", **counts}


@dataclass(frozen=True)
class Effects:
    """The effects of the rules on the events of a fit.

    Attributes:
        touched: What each rule affects.
        set_aside: user_id, reason, events: the users who are left out of the fit, and how many events they have.
    """

    touched: tuple[Touched, ...]
    set_aside: pl.DataFrame

    @classmethod
    def join(cls, parts: Sequence["Effects"]) -> "Effects":
        """Join the effects on the events of users apart."""
        of_rules = zip(*(part.touched for part in parts), strict=True)
        return cls(tuple(reduce(add, of_rule) for of_rule in of_rules), pl.concat([part.set_aside for part in parts]))

    @property
    def rows(self) -> tuple[Row, ...]:
        """One entry a rule: rule, setting, and how many rows, users and items it affects."""
        return tuple(each.row for each in self.touched)


def measure_effects(log: EventLog, fitted: Mask, config: NightConfig, elsewhere: Elsewhere | None = None) -> Effects:
    """Measure what the rules of the configuration do to the fitted events; `elsewhere` as `EventLog.dataset` has it.

    Raises:
        DataRefused: They leave too little to learn from.
    """
    events = log.rows(fitted)
    shape = (log.empty.n_users, log.empty.n_items)
    if elsewhere is None:
        kept = filter_events(events, shape, config) or Filtered.everything(shape)
    else:
        kept = elsewhere.filter(events, shape[0], config)
    left_out = events.filter(pl.Series(~kept.teaches(events)))
    by_bots = pl.Series(kept.bots[left_out[USER_INDEX].to_numpy()], dtype=pl.Boolean)
    touched = (
        _dislikes(log, events),
        _decay(events, config),
        _bots(log, left_out.filter(by_bots), config),
        _seldom(left_out.filter(~by_bots), kept, config),
        _negatives(log, fitted, config),
    )
    return Effects(touched, _set_aside(log, left_out.filter(by_bots)))


def _set_aside(log: EventLog, by_bots: pl.DataFrame) -> pl.DataFrame:
    counts = by_bots.group_by(USER_INDEX).agg(pl.len().cast(pl.Int64).alias(N_EVENTS)).sort(USER_INDEX)
    ids = log.empty.user_ids.gather(counts[USER_INDEX]).alias(USER_ID)
    return counts.select(ids, pl.lit(SUSPECTED_BOT).alias(REASON), N_EVENTS)


def _dislikes(log: EventLog, events: pl.DataFrame) -> Touched:
    setting = ", ".join(f"{event} {weight:g}" for event, weight in log.signal.exclusions.items())
    return Touched.by("dislike and hide", setting, events.filter(NEGATIVE))


def _decay(events: pl.DataFrame, config: NightConfig) -> Touched:
    if config.half_life_days is None:
        return Touched.by("recency decay", "", events.clear())
    return Touched.by("recency decay", f"half-life {config.half_life_days:g} days", events.drop_nulls(TIMESTAMP))


def _bots(log: EventLog, theirs: pl.DataFrame, config: NightConfig) -> Touched:
    if not log.signal.bots:
        return Touched.by("suspected bots", "", theirs)
    haste = f"more than {config.bot_events} and {config.bot_share:.0%} within {config.bot_seconds:g} s"
    return Touched.by("suspected bots", f"{', '.join(log.signal.bots)}: {haste}", theirs)


def _seldom(left_out: pl.DataFrame, kept: Filtered, config: NightConfig) -> Touched:
    """Count the rows below the minimum, and the users and items that are left out altogether."""
    least = (config.min_user_events, config.min_item_events)
    setting = "" if max(least) == 1 else f"{least[0]} a user, {least[1]} an item"
    found = Touched.by("minimum interactions", setting, left_out)
    users = int((~kept.users[left_out[USER_INDEX].unique().to_numpy()]).sum())
    return replace(found, users=users, items=found.items[~kept.items[found.items]])


def _negatives(log: EventLog, fitted: Mask, config: NightConfig) -> Touched:
    """Count the negatives that models of ungraded scores would draw from these events."""
    asked = {model: params["negatives"] for model, params in config.params.items() if params.get("negatives")}
    if not asked or log.signal.score_range is not None:
        return Touched.by("negative sampling", "", log.events.clear())
    dataset = log.dataset(fitted)
    drawn = pl.concat(sample_negatives(dataset, per_positive, config.seed) for per_positive in asked.values())
    return Touched.by(
        "negative sampling", ", ".join(f"{model}: {n} an interaction" for model, n in asked.items()), drawn
    )
