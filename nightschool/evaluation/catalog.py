"""The catalogue of metrics: each one's name, formula, direction, function, and where it is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nightschool.contract import Mask
from nightschool.evaluation.lists import diversity_at, miscalibration_at, popular_places, serendipity_at
from nightschool.evaluation.metrics import (
    Counts,
    Float64s,
    coverage,
    gini_of_shown,
    hit_rate_at,
    map_at,
    mean_over_list,
    mrr_at,
    ndcg_at,
    precision_at,
    recall_at,
    self_information,
)
from nightschool.evaluation.ranked_lists import RankedLists, Tally


class Better(Enum):
    """Which direction of a metric is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Place(Enum):
    """Where some metrics are shown; the metrics table, the reports of a night and MLflow hold all of them."""

    ACCURACY = "the first table of `nightschool evaluate`"
    BEYOND = "the table of `nightschool evaluate` beyond accuracy"
    NIGHT = "the tables that `nightschool night` prints"
    CURVES = "the curves over the nights on the operator's page"
    DIFFERENCES = "the comparison of two releases on the operator's page"


SHOWN_BY_DEFAULT: Final = frozenset({Place.ACCURACY, Place.NIGHT, Place.CURVES, Place.DIFFERENCES})
SHOWN_AT: Final = 10
"""The k that the operator's page shows, and the tables of a night unless a metric says otherwise."""


Values = Mapping[int | None, Float64s]
Totals = Mapping[int | None, float]
MeasureUsers = Callable[[RankedLists, tuple[int, ...]], Values | None]
MeasureAll = Callable[[Tally], Totals]


@dataclass(frozen=True)
class Metric:
    """A metric; one with neither function is computed from scores or predicted ratings, which lists do not hold.

    Attributes:
        name: As the metrics table, reports and MLflow have it.
        better: Which direction is better.
        formula: For one user's list, or for what the metric is about; the first k items are those at places 1 to k.
        per_user: Computes k to each user's value, float64[n]; None where the dataset does not allow it.
        of_all: Computes k to one value of all lists together.
        by_k: Whether there is a value at each k; if not, k is None.
        shown: Where it is shown besides the places that show every metric.
        night_at: The k that the tables of a night show.
    """

    name: str
    better: Better
    formula: str
    per_user: MeasureUsers | None = None
    of_all: MeasureAll | None = None
    by_k: bool = True
    shown: frozenset[Place] = SHOWN_BY_DEFAULT
    night_at: tuple[int, ...] = (SHOWN_AT,)

    def label(self, k: int | None) -> str:
        """Return the name with the k that is meant, such as `ndcg@10`; the bare name where there is no k."""
        return f"{self.name}@{k}" if self.by_k else self.name


def shown_in(place: Place) -> list[Metric]:
    """List the metrics that a place shows, in the order of the catalogue."""
    return [metric for metric in CATALOG if place in metric.shown]


def labels(place: Place, k: int) -> list[str]:
    """List the labels of the metrics that a place shows at one k."""
    return [metric.label(k) for metric in shown_in(place)]


def night_labels() -> list[str]:
    """List the labels of the metrics that the tables of a night show, each at its own k."""
    return [metric.label(k) for metric in shown_in(Place.NIGHT) for k in (metric.night_at if metric.by_k else (None,))]


@dataclass(frozen=True)
class FromHits:
    """A metric of hits alone: a function of hits, bool[n, depth], each user's number of relevant items, and k."""

    measure: Callable[[Mask, Counts, int], Float64s]

    def __call__(self, lists: RankedLists, cutoffs: tuple[int, ...]) -> Values:
        """Return k to each user's value, float64[n]."""
        n_relevant = lists.facts.n_relevant[lists.users]
        return {k: self.measure(lists.hits, n_relevant, k) for k in cutoffs}


def mean_of_items(values: Callable[[Float64s], Float64s]) -> MeasureUsers:
    """Adapt a function from the popularity of items to their values: the mean value of the first k items."""
    return lambda lists, cutoffs: {k: mean_over_list(values(lists.facts.popularity), lists.items, k) for k in cutoffs}


def from_catalogue(measure: Callable[[Counts, Mask], float]) -> MeasureAll:
    """Adapt a function of how many lists show each item, and of the available items."""
    return lambda tally: {k: measure(shown, tally.available) for k, shown in tally.shown.items()}


def _serendipity(lists: RankedLists, cutoffs: tuple[int, ...]) -> Values:
    expected = popular_places(lists.hits, lists.items, lists.users, lists.facts.seen, lists.facts.order)
    return serendipity_at(lists.hits, expected, cutoffs)


def _diversity(lists: RankedLists, cutoffs: tuple[int, ...]) -> Values | None:
    features = lists.facts.features
    return None if features is None else diversity_at(lists.items, features, cutoffs)


def _miscalibration(lists: RankedLists, cutoffs: tuple[int, ...]) -> Values | None:
    tastes, labels = lists.facts.tastes, lists.facts.labels
    if tastes is None or labels is None:
        return None
    return miscalibration_at(lists.items, lists.users, tastes, labels, cutoffs)


def _outside_candidates(tally: Tally) -> Totals:
    return {None: tally.outside / tally.relevant if tally.relevant else float("nan")}


def _cold_users(tally: Tally) -> Totals:
    return {None: float(tally.cold_users)}


_HIGHER, _LOWER, _NEITHER = Better.HIGHER, Better.LOWER, Better.NEITHER
_NOWHERE = frozenset[Place]()
_COMPARED = frozenset({Place.DIFFERENCES})
_BEYOND = frozenset({Place.BEYOND})
_TABLES = frozenset({Place.ACCURACY, Place.NIGHT, Place.DIFFERENCES})

CATALOG: Final = (
    Metric(
        "ndcg",
        _HIGHER,
        "Σ 1/log2(place + 1) of hits in the first k, over the same of a perfect list",
        FromHits(ndcg_at),
        night_at=(10, 5),
    ),
    Metric("precision", _HIGHER, "hits in the first k / k", FromHits(precision_at), shown=_TABLES, night_at=(5,)),
    Metric("recall", _HIGHER, "hits in the first k / relevant items", FromHits(recall_at), night_at=(5,)),
    Metric(
        "map",
        _HIGHER,
        "Σ precision at each hit in the first k / min(k, relevant items)",
        FromHits(map_at),
        shown=_COMPARED,
    ),
    Metric("mrr", _HIGHER, "1 / place of the first hit in the first k, or 0", FromHits(mrr_at), shown=_NOWHERE),
    Metric("hit_rate", _HIGHER, "1 where the first k hold a hit, or 0", FromHits(hit_rate_at), shown=_NOWHERE),
    Metric(
        "coverage",
        _HIGHER,
        "different items in the first k of all lists / available items",
        of_all=from_catalogue(coverage),
    ),
    Metric(
        "novelty",
        _HIGHER,
        "mean of -log2(share of users who have the item) over the first k",
        mean_of_items(self_information),
        shown=_BEYOND | {Place.CURVES, Place.DIFFERENCES},
    ),
    Metric(
        "average_popularity",
        _NEITHER,
        "mean share of users who have the item, over the first k",
        mean_of_items(lambda popularity: popularity),
        shown=_BEYOND,
    ),
    Metric(
        "serendipity",
        _HIGHER,
        "hits in the first k that are not among the user's k most popular unseen items / k",
        _serendipity,
        shown=_BEYOND,
    ),
    Metric(
        "diversity",
        _HIGHER,
        "1 - mean cosine of the features of all pairs in the first k",
        _diversity,
        shown=_BEYOND | _COMPARED,
    ),
    Metric(
        "miscalibration",
        _LOWER,
        "Σ p ln(p / (.99 q + .01 p)), p the shares of the history's labels, q of the first k's",
        _miscalibration,
        shown=_BEYOND,
    ),
    Metric(
        "gini",
        _LOWER,
        "Gini coefficient of how often the first k of all lists hold each available item",
        of_all=from_catalogue(gini_of_shown),
        shown=_BEYOND,
    ),
    Metric(
        "auc",
        _HIGHER,
        "share of pairs of a relevant and another candidate that are scored in this order, ties half",
        by_k=False,
        shown=_NOWHERE,
    ),
    Metric("rmse", _LOWER, "√(Σ (prediction - rating)² / held-out pairs)", by_k=False, shown=_TABLES),
    Metric("mae", _LOWER, "Σ |prediction - rating| / held-out pairs", by_k=False, shown=_NOWHERE),
    Metric(
        "outside_candidates",
        _NEITHER,
        "relevant pairs whose item is not available / relevant pairs",
        of_all=_outside_candidates,
        by_k=False,
        shown=_NOWHERE,
    ),
    Metric(
        "cold_users",
        _NEITHER,
        "users with a relevant pair and no history",
        of_all=_cold_users,
        by_k=False,
        shown=_NOWHERE,
    ),
)
"""A new metric is a function in `metrics.py` or `lists.py` and a line here; every place follows."""
