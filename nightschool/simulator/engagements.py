"""The log: who engaged with what, when and how, drawn independently or from planted preferences."""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import DURATION, EVENT, INSTANT, LIKED, TIMESTAMP, USER_ID
from nightschool.contract import Indices, Mask
from nightschool.simulator import preferences as planted
from nightschool.simulator import vocabulary as words
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.sampling import Weights, draw_from_rows, draw_indices, labels
from nightschool.simulator.truth import Truth

Seconds = NDArray[np.int64]


class Draws(NamedTuple):
    """Engagements as codes: user, item, seconds since the period's start, and event, one entry each."""

    users: Indices
    items: Indices
    seconds: Seconds
    events: Indices


def independent_engagements(config: SimulatorConfig, rng: np.random.Generator) -> pl.DataFrame:
    """Draw engagements in time order; user, content, time, duration, like and event are independent."""
    shares, who, what, when, how = rng.spawn(5)
    n = config.interactions
    draws = Draws(
        users=draw_indices(shares.dirichlet(np.full(config.users, words.USER_ACTIVITY)), n, who),
        items=draw_indices(shares.dirichlet(np.full(config.items, words.ITEM_POPULARITY)), n, what),
        seconds=when.integers(config.seconds, size=n),
        events=draw_indices(words.EVENT_WEIGHTS, n, how),
    )
    return _log(draws, config, how)


def latent_engagements(config: SimulatorConfig, truth: Truth, rng: np.random.Generator) -> pl.DataFrame:
    """Draw engagements in time order from the truth, at the hours and weekdays at which people learn."""
    who, what, when, how = rng.spawn(4)
    n = config.interactions
    users = np.sort(draw_indices(truth.activity, n, who))
    bots = truth.bots[users]
    seconds = when.integers(3600, size=n) + 3600 * draw_indices(hour_weights(config), n, when).astype(np.int64)
    items = choose_items(truth, users, seconds / config.seconds, what)
    items[bots] = draw_indices(truth.popularity, int(bots.sum()), what)
    seconds[bots] = _in_bursts(users[bots], seconds[bots], config)
    return _log(Draws(users, items, seconds, _events(bots, how)), config, how)


def hour_weights(config: SimulatorConfig) -> Weights:
    """Return how much is learned in each hour of the period, float64 [days · 24]."""
    weekdays = (np.arange(config.days) + config.period_start.weekday()) % len(planted.WEEKDAYS)
    return np.outer(np.array(planted.WEEKDAYS)[weekdays], planted.HOURS).ravel()


def mean_elapsed(config: SimulatorConfig) -> float:
    """Return the mean share of the period that has passed at an engagement of latent mode."""
    weights = hour_weights(config)
    return float(np.average((np.arange(len(weights)) + 0.5) / len(weights), weights=weights))


def choose_items(truth: Truth, users: Indices, elapsed: NDArray[np.float64], rng: np.random.Generator) -> Indices:
    """Choose an item for each engagement, int32 [n]: an interest of the time first, then an item of it.

    `users` are 0…n_users − 1, `elapsed` is the share of the period that has passed at each engagement.
    """
    changed = rng.random(len(users)) < elapsed
    interests = draw_from_rows(np.concatenate([truth.early, truth.late]), users + changed * len(truth.early), rng)
    by_interest = np.argsort(interests, kind="stable")
    n_interests = truth.pull.shape[1]
    items = np.empty(len(users), dtype=np.int32)
    starts = np.searchsorted(interests[by_interest], np.arange(n_interests + 1))
    for interest in range(n_interests):
        rows = by_interest[starts[interest] : starts[interest + 1]]
        weights = truth.pull[:, interest] * truth.fit.T
        items[rows] = draw_from_rows(weights, truth.groups[users[rows]], rng)
    return items


def _in_bursts(users: Indices, seconds: Seconds, config: SimulatorConfig) -> Seconds:
    """Return seconds of bots' engagements (sorted by user) in runs of BURST_EVENTS with short steps."""
    rows = np.arange(len(users))
    since_first = rows - np.searchsorted(users, users)
    step = since_first % planted.BURST_EVENTS
    latest = config.seconds - planted.BURST_EVENTS * planted.BURST_GAP_SECONDS
    bursts: Seconds = np.minimum(seconds[rows - step], latest) + step * planted.BURST_GAP_SECONDS
    return bursts


def _events(bots: Mask, rng: np.random.Generator) -> Indices:
    """Draw event codes: bots only view, so others view less, and the shares of events stay as planned."""
    weights = np.array(words.EVENT_WEIGHTS)
    viewed = words.EVENTS.index(words.VIEWED)
    weights[viewed] = max(weights[viewed] - bots.mean(), 0.0)
    events = draw_indices(weights, len(bots), rng)
    events[bots] = viewed
    return events


def _log(draws: Draws, config: SimulatorConfig, rng: np.random.Generator) -> pl.DataFrame:
    """Return the draws as rows of engagements.csv in time order, with a duration and a like."""
    n = len(draws.users)
    duration = rng.normal(words.DURATION_MEAN, words.DURATION_SPREAD, n)
    duration = np.clip(duration, words.DURATION_LOWEST, words.DURATION_HIGHEST).round()
    liked = rng.random(n) < words.LIKE_SLOPE * duration / words.DURATION_HIGHEST + words.LIKE_BASE
    start = int(config.period_start.timestamp())
    log = pl.DataFrame(
        {
            USER_ID: draws.users.astype(np.int64) + 1,
            words.CONTENT_ID: draws.items.astype(np.int64) + 1,
            TIMESTAMP: (draws.seconds + start) * 1_000_000,
            EVENT: labels(words.EVENTS, draws.events),
            DURATION: duration.astype(np.int32),
            LIKED: liked,
        }
    )
    return log.with_columns(
        pl.col(TIMESTAMP).cast(INSTANT), pl.when(pl.col(LIKED)).then(pl.lit(value=True)).alias(LIKED)
    ).sort(TIMESTAMP, maintain_order=True)
