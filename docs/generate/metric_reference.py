"""The reference of metrics, from their catalogue."""

from typing import Final

from docs.generate.writing import code, table
from nightschool.evaluation.catalog import CATALOG
from nightschool.night.logged_lists import EXAMINATION, PER_LIST
from nightschool.night.monitoring.drift import EVENTS as NEWS
from nightschool.night.monitoring.drift import MISSING, PSI
from nightschool.night.monitoring.exposure import CHOSEN, EXPOSURE, OFFERED
from nightschool.night.monitoring.lists import CHANGED, KEPT, TAKEN
from nightschool.night.reporting.freshness import EVENTS, PLACES

_HEAD: Final = """# Metrics

Means are over users who have relevant held-out items. Each carries n and a 95 % interval: normal from per-user values
when n ≥ 200, bootstrap below. `name@k` counts the first k places. Candidates are the items that were available at the
split instant and that the user has not seen. [What is compared, and when one is better](../explanation/evaluation.md).

Every metric is in the table [metrics](tables.md#metrics), in the reports of a night and in MLflow; `evaluate --json`
prints them all. The last column says which of the smaller tables show it too.
"""

_AFTER: Final = """
## Freshness

Beside them each night records how new items fare, for ages of 7 and 30 days:

{rows}
If the second is far below the first, new items get fewer places than users give them events.

## What is watched over the nights

Each night measures its lists, and the events since the release before, in the rows of `lists`; `coverage`, `gini`,
`novelty` and `average_popularity` are there too, of the published lists.
[How they are judged](../how-to/watch-the-figures.md).

{watched}
## What logged lists tell

Where lists were explored since the test began, a night holds its recipes' lists against them, in rows of the split
`shown` ([how](../explanation/evaluation.md#what-other-lists-would-have-got)):

{logged}
## Papers

- ndcg: Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques".
- novelty: Zhou et al. (2010), "Solving the apparent diversity-accuracy dilemma of recommender systems".
- diversity: Ziegler et al. (2005), "Improving recommendation lists through topic diversification".
- serendipity: Ge, Delgado-Battenfeld and Jannach (2010), "Beyond accuracy", with popularity as the primitive model.
- miscalibration: Steck (2018), "Calibrated recommendations".
"""

_WATCHED: Final = {
    CHANGED: "users without new events with another item among their first ten / users without new events",
    KEPT: "mean share of the first ten items that stayed, of users without new events",
    TAKEN: "users with new events who took an item that was among their first ten / users with new events",
    NEWS: "events that became known since the release before",
    PSI: "of a column: population stability index against the 28 days before, less what chance shows",
    MISSING: "of a column: new events without a value / new events",
    EXPOSURE: "of a kind of items: places 1 to 10 of all lists that hold them / all of them",
    CHOSEN: "of a kind of items: pairs of a user and such an item / all pairs",
    OFFERED: "of a kind of items: such items / available items",
}


_LOGGED: Final = {
    PER_LIST["click"]: "Σ over places of the chance of a view, like or completion there, by `pbm-dr`",
    PER_LIST["completion"]: "Σ over places of the chance of a completion there, likewise",
    EXAMINATION: "of a place: rate of clicks on items that chance showed there / rate at the first place",
}


def page() -> str:
    """Return the page: one row for each metric."""
    rows = [
        (code(each.name), each.formula, each.better.value, ", ".join(sorted(place.value for place in each.shown)))
        for each in CATALOG
    ]
    fresh = [
        (code(f"{EVENTS}_7d"), "events of the last 28 days on items younger than 7 days / all of them"),
        (code(f"{PLACES}_7d"), "places 1 to 10 of all lists that hold items younger than 7 days / all of them"),
    ]
    head = ("metric", "formula")
    watched = [(code(name), formula) for name, formula in _WATCHED.items()]
    logged = [(code(name), formula) for name, formula in _LOGGED.items()]
    after = _AFTER.format(rows=table(head, fresh), watched=table(head, watched), logged=table(head, logged))
    return f"{_HEAD}\n{table(('metric', 'formula', 'better', 'also shown in'), rows)}{after}"
