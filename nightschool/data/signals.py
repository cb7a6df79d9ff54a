"""Scores of interactions: their value, whether they count as hits, and how repeats of a pair merge."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from nightschool.columns import (
    BOT_EVENT,
    DURATION,
    EVENT,
    INSTANT,
    ITEM_INDEX,
    LIKED,
    NEGATIVE,
    POSITION,
    RATING,
    RELEVANT,
    SCORE,
    TIMESTAMP,
    USER_INDEX,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import DataRefused, ManifestError

SCORE_CAP = 10.0
SECONDS_A_POINT = 300.0
DURATION_POINTS = 5.0
LIKE_POINTS = 5.0

_DAY = 86_400_000_000  # microseconds
_OLDEST = 100.0  # half-lives; beyond them float32 would turn what was liked into nothing


class Signal(BaseModel):
    """How a dataset's interactions are scored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["engagement", "rating", "events", "implicit"]
    event_weights: Mapping[str, float] = Field(
        default={}, description="Points by event type: of each in the mode `events`, elsewhere of those below zero."
    )
    bots: tuple[str, ...] = Field(default=(), description="Event types by which bots are suspected.")
    rating_min: float | None = Field(
        default=None, description="The lowest rating that counts as a hit; None: every score above zero does."
    )
    rating_range: tuple[float, float] | None = Field(default=None, description="The scale of the mode `rating`.")
    unrated: bool = Field(
        default=False, description="Whether a row without a rating says that the user interacted with the item."
    )

    @property
    def scored_by(self) -> tuple[str, ...]:
        """The interactions' columns that a score is made of."""
        columns = {"rating": (RATING,), "engagement": (DURATION, LIKED), "events": (EVENT,), "implicit": ()}[self.mode]
        event = (EVENT,) if self.event_weights or self.bots else ()
        return tuple(dict.fromkeys((*columns, *event, *(() if self.rating_min is None else (RATING,)))))

    @property
    def exclusions(self) -> Mapping[str, float]:
        """Event type to its points below zero, such as dislike and hide."""
        return {event: weight for event, weight in self.event_weights.items() if weight < 0}

    @property
    def score_range(self) -> tuple[float, float] | None:
        """The lowest and highest score of a merged pair, exclusions aside; None where scores are not graded."""
        if self.mode == "implicit":
            return None
        if self.mode == "rating":
            return self.rating_range
        negative = self.mode == "events" and self.exclusions
        return (-SCORE_CAP if negative else 0.0, SCORE_CAP)


def signal_of(manifest: Manifest) -> Signal:
    """Return how a manifest scores its interactions."""
    return Signal(
        mode=manifest.score,
        event_weights=manifest.weights if manifest.score == "events" else manifest.exclusions,
        bots=manifest.bots,
        rating_min=manifest.relevant.rating_min if manifest.relevant else None,
        rating_range=manifest.score_range if manifest.score == "rating" else None,
        unrated=any(part.rating and part.rating.missing for part in manifest.interactions),
    )


def score_events(interactions: pl.DataFrame, signal: Signal) -> pl.DataFrame:
    """Add each row's score (Float32) and the flags that learning needs (Boolean).

    `relevant`: whether the row counts as a hit. `negative`: whether it is a dislike or the like, which scores its own
    weight in every mode and is never a hit. `bot_event`: whether bots are suspected by it.

    Engagement is min(duration_seconds / 300, 5) + 5 · liked, a missing duration or like counting nothing. The score of
    an unrated row is null.

    Raises:
        ManifestError: An event type has no weight; guessing one would change what the models learn.
        DataRefused: A row of a dataset of ratings has neither a rating nor a negative event.
    """
    if signal.mode == "events":
        _require_weights(interactions, signal)
    negative, bots = _is_one_of(signal.exclusions), _is_one_of(signal.bots)
    if signal.mode == "rating" and not signal.unrated:
        _require_ratings(interactions, negative)
    hit = pl.col(SCORE) > 0 if signal.rating_min is None else pl.col(RATING) >= signal.rating_min
    scored = interactions.with_columns(
        _score(signal).cast(pl.Float32).alias(SCORE), negative.alias(NEGATIVE), bots.alias(BOT_EVENT)
    )
    return scored.with_columns((hit.fill_null(value=False) & ~pl.col(NEGATIVE)).alias(RELEVANT))


def decay(events: pl.DataFrame, half_life_days: float, newest: datetime | None = None) -> pl.DataFrame:
    """Halve scores for each half-life before the newest event; events without a time stay as they are.

    Args:
        events: Scored rows.
        half_life_days: The half-life.
        newest: The time of the newest event, where it may be none of these.
    """
    latest = pl.col(TIMESTAMP).max() if newest is None else pl.lit(newest, INSTANT)
    age = (latest - pl.col(TIMESTAMP)).dt.total_microseconds() / (half_life_days * _DAY)
    share = pl.lit(2.0).pow(-age.clip(upper_bound=_OLDEST)).fill_null(1.0)
    return events.with_columns((pl.col(SCORE) * share).cast(pl.Float32))


def merge_repeats(events: pl.DataFrame, signal: Signal, contexts: Sequence[str] = ()) -> pl.DataFrame:
    """Merge to one row per pair: user_index, item_index, score, latest timestamp, relevant, position; sorted by pair.

    The position is that of the pair's latest event among all rows; its contexts are further columns.

    A rating is the latest one's (of equal times the last in source order), and so is its relevance. Everything else is
    summed and cut to -10 … 10 (implicit: to 1); such a pair is relevant when an event is and the sum is positive. Where
    the latest event is negative it alone counts: the pair has its score and is not relevant. A pair whose rows are all
    unrated has a null score.

    Args:
        events: Scored rows in source order: user_index, item_index, timestamp, score, relevant, negative.
        signal: Says how repeats merge.
        contexts: Further columns of the latest event to keep.
    """
    pair = pl.col(USER_INDEX).cast(pl.Int64) * 2**32 + pl.col(ITEM_INDEX)  # one key sorts twice as fast as two
    rated = [pl.col(SCORE).is_not_null()] if events[SCORE].null_count() else []
    order = events.select(pl.arg_sort_by(pair, *rated, TIMESTAMP, nulls_last=False, maintain_order=True)).to_series()
    columns = (USER_INDEX, ITEM_INDEX, SCORE, TIMESTAMP, RELEVANT, NEGATIVE)
    ordered = events.select(pl.col(*columns, *contexts).gather(order))
    ordered = ordered.with_columns(order.cast(pl.Int32).alias(POSITION))
    users, items = ordered[USER_INDEX].to_numpy(), ordered[ITEM_INDEX].to_numpy()
    fresh = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
    last = ordered.filter(pl.Series(np.concatenate([fresh, np.ones(min(1, len(users)), dtype=bool)])))
    if signal.mode == "rating" or ordered.is_empty():
        return last.drop(NEGATIVE)
    starts = np.concatenate([[0], np.flatnonzero(fresh) + 1])
    totals = np.add.reduceat(ordered[SCORE].to_numpy().astype(np.float64), starts)
    totals = np.where(last[NEGATIVE].to_numpy(), last[SCORE].to_numpy(), totals)
    totals = totals.clip(-SCORE_CAP, 1.0 if signal.mode == "implicit" else SCORE_CAP)
    hit = np.logical_or.reduceat(ordered[RELEVANT].to_numpy(), starts) & (totals > 0)
    return last.drop(NEGATIVE).with_columns(pl.Series(SCORE, totals.astype(np.float32)), pl.Series(RELEVANT, hit))


def _is_one_of(events: Collection[str]) -> pl.Expr:
    """Return an expression for whether a row's event is one of some."""
    return pl.col(EVENT).is_in(list(events)).fill_null(value=False) if events else pl.lit(value=False)


def _score(signal: Signal) -> pl.Expr:
    if not signal.event_weights:
        return _score_without_event(signal)
    weights = dict(signal.event_weights)
    weight = pl.col(EVENT).replace_strict(weights, default=None, return_dtype=pl.Float64)
    return weight if signal.mode == "events" else pl.coalesce(weight, _score_without_event(signal))


def _score_without_event(signal: Signal) -> pl.Expr:
    if signal.mode == "rating":
        return pl.col(RATING)
    if signal.mode == "implicit":
        return pl.lit(1.0)
    watched = (pl.col(DURATION).fill_null(0.0) / SECONDS_A_POINT).clip(upper_bound=DURATION_POINTS)
    return watched + LIKE_POINTS * pl.col(LIKED).fill_null(False).cast(pl.Float64)


def _require_weights(interactions: pl.DataFrame, signal: Signal) -> None:
    seen = interactions[EVENT].unique().sort().to_list()
    unlisted = [event for event in seen if event not in signal.event_weights]
    if unlisted:
        raise ManifestError(
            "event types without a weight",
            seen=unlisted[:5],
            do="give each one a number in the manifest's event_weights",
        )


def _require_ratings(interactions: pl.DataFrame, negative: pl.Expr) -> None:
    unrated = pl.col(RATING).is_null() | pl.col(RATING).is_nan()
    missing = interactions.select((unrated & ~negative).sum()).item()
    if missing:
        raise DataRefused(
            "interactions without a rating in a dataset of ratings",
            seen=missing,
            do="quarantine them at ingest or correct the manifest's score",
        )
