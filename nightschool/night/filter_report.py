"""The effects of signals and filters on the events of a fit: rows of a table, and the users who were set aside."""

from dataclasses import dataclass

import polars as pl

from nightschool.columns import ITEM_INDEX, N_EVENTS, NEGATIVE, REASON, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Mask
from nightschool.data.dataset import EventLog
from nightschool.data.filters import Filtered, filter_events
from nightschool.data.negatives import sample_negatives
from nightschool.night.config import NightConfig

SUSPECTED_BOT = "suspected_bot"

Row = dict[str, str | int]


@dataclass(frozen=True)
class Effects:
    """The effects of the rules on the events of a fit.

    Attributes:
        rows: One entry a rule: rule, setting, and how many rows, users and items it affects.
        set_aside: user_id, reason, events: the users who are left out of the fit, and how many events they have.
    """

    rows: tuple[Row, ...]
    set_aside: pl.DataFrame


def measure_effects(log: EventLog, fitted: Mask, config: NightConfig) -> Effects:
    """Measure what the rules of the configuration do to the fitted events.

    Raises:
        DataRefused: They leave too little to learn from.
    """
    events = log.rows(fitted)
    shape = (log.empty.n_users, log.empty.n_items)
    kept = filter_events(events, shape, config) or Filtered.everything(shape)
    left_out = events.filter(pl.Series(~kept.teaches(events)))
    by_bots = pl.Series(kept.bots[left_out[USER_INDEX].to_numpy()])
    rows = (
        _dislikes(log, events),
        _decay(events, config),
        _bots(log, left_out.filter(by_bots), config),
        _seldom(left_out.filter(~by_bots), kept, config),
        _negatives(log, fitted, config),
    )
    return Effects(rows, _set_aside(log, left_out.filter(by_bots)))


def _set_aside(log: EventLog, by_bots: pl.DataFrame) -> pl.DataFrame:
    counts = by_bots.group_by(USER_INDEX).agg(pl.len().cast(pl.Int64).alias(N_EVENTS)).sort(USER_INDEX)
    ids = log.empty.user_ids.gather(counts[USER_INDEX]).alias(USER_ID)
    return counts.select(ids, pl.lit(SUSPECTED_BOT).alias(REASON), N_EVENTS)


def _row(rule: str, setting: str, touched: pl.DataFrame) -> Row:
    users, items = touched[USER_INDEX].n_unique(), touched[ITEM_INDEX].n_unique()
    return {"rule": rule, "setting": setting or "off", "rows": touched.height, "users": users, "items": items}


def _dislikes(log: EventLog, events: pl.DataFrame) -> Row:
    setting = ", ".join(f"{event} {weight:g}" for event, weight in log.signal.exclusions.items())
    return _row("dislike and hide", setting, events.filter(NEGATIVE))


def _decay(events: pl.DataFrame, config: NightConfig) -> Row:
    if config.half_life_days is None:
        return _row("recency decay", "", events.clear())
    return _row("recency decay", f"half-life {config.half_life_days:g} days", events.drop_nulls(TIMESTAMP))


def _bots(log: EventLog, theirs: pl.DataFrame, config: NightConfig) -> Row:
    if not log.signal.bots:
        return _row("suspected bots", "", theirs)
    haste = f"more than {config.bot_events} and {config.bot_share:.0%} within {config.bot_seconds:g} s"
    return _row("suspected bots", f"{', '.join(log.signal.bots)}: {haste}", theirs)


def _seldom(left_out: pl.DataFrame, kept: Filtered, config: NightConfig) -> Row:
    """Count the rows below the minimum, and the users and items that are left out altogether."""
    least = (config.min_user_events, config.min_item_events)
    setting = "" if max(least) == 1 else f"{least[0]} a user, {least[1]} an item"
    users = int((~kept.users[left_out[USER_INDEX].unique().to_numpy()]).sum())
    items = int((~kept.items[left_out[ITEM_INDEX].unique().to_numpy()]).sum())
    return {**_row("minimum interactions", setting, left_out), "users": users, "items": items}


def _negatives(log: EventLog, fitted: Mask, config: NightConfig) -> Row:
    """Count the negatives that models of ungraded scores would draw from these events."""
    asked = {model: params["negatives"] for model, params in config.params.items() if params.get("negatives")}
    if not asked or log.signal.score_range is not None:
        return _row("negative sampling", "", log.events.clear())
    dataset = log.dataset(fitted)
    drawn = pl.concat(sample_negatives(dataset, per_positive, config.seed) for per_positive in asked.values())
    return _row("negative sampling", ", ".join(f"{model}: {n} an interaction" for model, n in asked.items()), drawn)
