"""A world of users, items and clicks whose truth is known, vectorised: lists that a policy with exploration shows."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

Lists = NDArray[np.int64]
Tastes = NDArray[np.float64]

ITEMS, TASTES, PLACES, POOL = 120, 8, 10, 40
EXAMINATION = 1 / np.arange(1, PLACES + 1) ** 0.6
LOGGED_MIX = 0.5
AFTER_CLICK, AFTER_NONE = 0.7, 0.95
"""In a cascade: the chance of looking at the next place after a click, and without one."""

_WORLD = np.random.default_rng(0)
_LIKED, _OTHER = (_WORLD.normal(size=(ITEMS, TASTES // 2)) / np.sqrt(TASTES // 2) for _ in range(2))
_BASE = _WORLD.normal(size=ITEMS) * 0.5
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TRUTH_USERS = 100_000


def users(rng: np.random.Generator, n: int) -> Tastes:
    """Draw users: what they like, what only policies think of, and how much they click at all; [n, tastes + 1]."""
    return np.hstack([rng.normal(size=(n, TASTES)), rng.normal(size=(n, 1)) * 0.5])


def attraction(of: Tastes) -> NDArray[np.float64]:
    """Compute the chance of a click on each item that is looked at, [n, items]."""
    return 1 / (1 + np.exp(2.0 - of[:, : TASTES // 2] @ _LIKED.T - _BASE - of[:, -1:]))


def ranked(of: Tastes, mix: float) -> Lists:
    """Rank all items by what users like, mixed with what they do not care for (mix 1: that alone)."""
    liked, other = of[:, : TASTES // 2] @ _LIKED.T, of[:, TASTES // 2 : -1] @ _OTHER.T
    return np.argsort(-((1 - mix) * liked + mix * other), axis=1)


def mixed(mix: float) -> Callable[[Tastes], Lists]:
    """Make a policy that ranks all items by another mix: it reorders the logged lists and brings others in."""
    return lambda of: ranked(of, mix)[:, :PLACES]


def swapped(n: int) -> Callable[[Tastes], Lists]:
    """Make a policy that shows the logged lists, but at n places the best of the pool by another mix."""

    def policy(of: Tastes) -> Lists:
        logged = ranked(of, LOGGED_MIX)
        lists, pool = logged[:, :PLACES].copy(), logged[:, PLACES : PLACES + POOL]
        other = np.argsort(ranked(of, 0.2), axis=1)
        best = np.argsort(np.take_along_axis(other, pool, axis=1), axis=1)[:, :n]
        lists[:, np.linspace(1, PLACES - 1, n).astype(int)] = np.take_along_axis(pool, best, axis=1)
        return lists

    return policy


def clicks(rng: np.random.Generator, chances: NDArray[np.float64], *, cascade: bool) -> NDArray[np.bool_]:
    """Draw clicks on lists: each place looked at by itself, or from the first on until a user leaves."""
    clicked = rng.random(chances.shape) < chances
    if not cascade:
        return clicked & (rng.random(chances.shape) < EXAMINATION)
    goes_on = rng.random(chances.shape) < np.where(clicked, AFTER_CLICK, AFTER_NONE)
    looked = np.cumprod(np.hstack([np.ones((len(chances), 1), dtype=bool), goes_on[:, :-1]]), axis=1).astype(bool)
    return clicked & looked


def value_of(policy: Callable[[Tastes], Lists], *, cascade: bool) -> float:
    """Compute the clicks per list of a policy without exploration, over 100,000 users; exact but for their draw."""
    rng = np.random.default_rng(99)
    found = []
    for _ in range(20):
        of = users(rng, _TRUTH_USERS // 20)
        chances = np.take_along_axis(attraction(of), policy(of), axis=1)
        looked = np.broadcast_to(EXAMINATION, chances.shape)
        if cascade:
            goes_on = AFTER_NONE + (AFTER_CLICK - AFTER_NONE) * chances
            looked = np.cumprod(np.hstack([np.ones((len(chances), 1)), goes_on[:, :-1]]), axis=1)
        found.append(float((chances * looked).sum(axis=1).mean()))
    return float(np.mean(found))


def shown_lists(
    rng: np.random.Generator, of: Tastes, lists_a_user: float, explore: float, *, cascade: bool = False
) -> pl.DataFrame:
    """Show users lists: each slot explored with a chance, its item drawn from the pool below the list, none twice."""
    logged, chances = ranked(of, LOGGED_MIX), attraction(of)
    user = np.repeat(np.arange(len(of)), rng.poisson(lists_a_user - 1, len(of)) + 1)
    shape = (len(user), PLACES)
    drawn = np.argsort(rng.random((len(user), POOL)), axis=1)[:, :PLACES]
    explored = rng.random(shape) < explore
    items = np.where(explored, logged[user[:, None], PLACES + drawn], logged[user, :PLACES])
    clicked = clicks(rng, chances[user[:, None], items], cascade=cascade)
    at = pl.when(pl.Series("clicked", clicked.ravel())).then(pl.lit(_NOW))
    return pl.DataFrame(
        {
            "list_id": np.repeat(np.arange(len(user)), PLACES),
            "user_id": np.repeat(user, PLACES),
            "item_id": items.ravel(),
            "place": np.tile(np.arange(1, PLACES + 1), len(user)),
            "propensity": np.where(explored, explore / POOL, 1 - explore).ravel(),
        }
    ).with_columns(
        scenario=pl.lit(""),
        tuned=pl.lit(value=False),
        times=pl.lit(1),
        shown_at=pl.lit(_NOW),
        viewed_at=at,
        liked_at=pl.lit(None, pl.Datetime("us", "UTC")),
        completed_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )


def lists_of(of: Tastes, policy: Callable[[Tastes], Lists]) -> pl.DataFrame:
    """Return the lists of a policy as the night publishes them: user_id, item_id, rank."""
    lists = policy(of)
    return pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(len(lists)), PLACES),
            "item_id": lists.ravel(),
            "rank": np.tile(np.arange(1, PLACES + 1), len(lists)),
        }
    )
