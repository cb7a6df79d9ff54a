"""Planting: drawing people's interests and fitting the items' pull so that every margin stays as it was."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import TITLE
from nightschool.contract import Float32s, Indices, Mask
from nightschool.simulator import preferences as planted
from nightschool.simulator.config import PERIOD_END, SimulatorConfig
from nightschool.simulator.sampling import Weights, codes
from nightschool.simulator.truth import Truth
from nightschool.simulator.vocabulary import (
    DIFFICULTIES,
    DIFFICULTY,
    DOMAIN,
    DOMAINS,
    ITEM_POPULARITY,
    LEARNING_STYLE,
    LEARNING_STYLES,
    SENIORITIES,
    SENIORITY,
    SUBTOPIC,
    SUBTOPICS,
    TITLES,
    TYPE,
    TYPES,
    USER_ACTIVITY,
)


def plant(
    config: SimulatorConfig, users: pl.DataFrame, content: pl.DataFrame, elapsed: float, rng: np.random.Generator
) -> Truth:
    """Draw the true parameters of a latent platform with these users and this content.

    `elapsed` is the mean elapsed share of the period over its engagements.
    """
    activity_rng, popularity_rng, interest_rng, taste_rng, bot_rng = rng.spawn(5)
    activity = activity_rng.dirichlet(np.full(users.height, USER_ACTIVITY))
    popularity = popularity_rng.dirichlet(np.full(content.height, ITEM_POPULARITY))
    bots = _bots(activity, bot_rng)
    groups = codes(users[LEARNING_STYLE], LEARNING_STYLES) * len(SENIORITIES) + codes(users[SENIORITY], SENIORITIES)
    roles = _roles(users)
    early = _interests(roles, interest_rng)
    late = (1.0 - planted.DRIFT) * early + np.float32(planted.DRIFT) * _interests(roles, interest_rng)
    fit = _fit(content)
    demand = _demand((activity * ~bots)[:, None] * ((1.0 - elapsed) * early + elapsed * late), groups, fit.shape[1])
    return Truth(
        activity=activity,
        bots=bots,
        groups=groups,
        early=early,
        late=late,
        popularity=popularity,
        pull=scale_to_popularity(_loadings(content, taste_rng), fit, demand, popularity),
        fit=fit,
        period_start=config.period_start,
        period_end=PERIOD_END,
    )


def scale_to_popularity(loadings: Weights, fit: Weights, demand: Weights, popularity: Weights) -> Weights:
    """Scale each item's loadings so that demand spread over items by loadings · fit gives the popularity.

    Iterative proportional fitting (Sinkhorn 1967) between demand [n_interests, n_groups] and popularity [n_items].
    Without it the domains that the many students like would outgrow their margin.
    """
    pull = loadings * popularity[:, None]
    shares = popularity * demand.sum()
    for _ in range(planted.FITTING_ROUNDS):
        per_pull = demand / (pull.T @ fit)
        pull = pull * (shares / ((pull @ per_pull) * fit).sum(axis=1))[:, None]
    return pull


def _bots(activity: Weights, rng: np.random.Generator) -> Mask:
    """Draw a small share of the users, of at least average activity, so that they have whole bursts."""
    bots = np.zeros(len(activity), dtype=bool)
    busy = np.flatnonzero(activity >= activity.mean())
    n_bots = min(round(planted.BOT_SHARE * len(activity)), len(busy))
    bots[rng.choice(busy, size=n_bots, replace=False)] = True
    return bots


def _roles(users: pl.DataFrame) -> Indices:
    """Return each user's role, int32 [n_users], in the order of ROLE_DOMAINS."""
    order = list(planted.ROLE_DOMAINS)
    roles = np.array([order.index(title.role) for title in TITLES], dtype=np.int32)
    return roles[codes(users[TITLE], [title.name for title in TITLES])]


def _interests(roles: Indices, rng: np.random.Generator) -> Float32s:
    """Draw interests in topics and tastes, float32 [n_users, n_interests]; topics follow the role, tastes do not."""
    domains = _around(planted.ROLE_DOMAINS, roles, rng)
    subtopics = _around(planted.ROLE_SUBTOPICS, roles, rng)
    topics = (domains[:, :, None] * subtopics[:, None, :]).reshape(len(roles), -1)
    concentration = np.full((len(roles), planted.TASTE_FACTORS), planted.TASTE_CONCENTRATION)
    tastes = _dirichlet(concentration, rng)
    share = np.float32(planted.TASTE_SHARE)
    return np.hstack([topics * (1 - share), tastes * share])


def _around(table: Mapping[str, Sequence[float]], roles: Indices, rng: np.random.Generator) -> Float32s:
    """Draw each user's own shares, float32 [n_users, n_labels], scattered around those of the user's role."""
    appetites = _appetites(table, list(planted.ROLE_DOMAINS))
    shares = appetites / appetites.sum(axis=1, keepdims=True)
    return _dirichlet(planted.INTEREST_CONCENTRATION * shares[roles], rng)


def _dirichlet(concentrations: NDArray[np.float64], rng: np.random.Generator) -> Float32s:
    """Draw shares, float32 [n_users, n_labels], each row from the Dirichlet distribution of its concentrations."""
    # Gammas of tiny shape may all vanish in float32; the sliver leaves such a user indifferent instead of undefined.
    gammas = rng.standard_gamma(concentrations).astype(np.float32) + np.float32(1e-20)
    shares: Float32s = gammas / gammas.sum(axis=1, keepdims=True)
    return shares


def _loadings(content: pl.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw how each interest weighs each item before popularity, float64 [n_items, n_interests]."""
    domains = np.exp(planted.DOMAIN_PULL * np.eye(len(DOMAINS)))[codes(content[DOMAIN], DOMAINS)]
    subtopics = np.exp(planted.SUBTOPIC_PULL * np.eye(len(SUBTOPICS)))[codes(content[SUBTOPIC], SUBTOPICS)]
    topics = (domains[:, :, None] * subtopics[:, None, :]).reshape(content.height, -1)
    tastes = np.exp(planted.TASTE_SPREAD * rng.standard_normal((content.height, planted.TASTE_FACTORS)))
    return np.hstack([topics, tastes])


def _fit(content: pl.DataFrame) -> NDArray[np.float64]:
    """Return how an item's type and difficulty suit each group, float64 [n_items, n_groups]."""
    types = _appetites(planted.STYLE_TYPES, LEARNING_STYLES)[:, codes(content[TYPE], TYPES)]
    difficulties = _appetites(planted.SENIORITY_DIFFICULTIES, SENIORITIES)[:, codes(content[DIFFICULTY], DIFFICULTIES)]
    return np.ascontiguousarray((types[:, None] * difficulties[None]).reshape(-1, content.height).T)


def _appetites(table: Mapping[str, Sequence[float]], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([table[name] for name in names])


def _demand(interests: NDArray[np.float64], groups: Indices, n_groups: int) -> NDArray[np.float64]:
    """Return the share of all engagements of each interest in each group, float64 [n_interests, n_groups]."""
    return interests.T @ np.eye(n_groups)[groups]
