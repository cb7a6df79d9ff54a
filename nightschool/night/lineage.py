"""The state that a night at T starts from: the release before it, the weekly tuning, and earlier searches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from nightschool.night.config import NightConfig
from nightschool.night.records import SelectRecord
from nightschool.recipe import Component
from nightschool.storage.releases import Release

TUNE_EVERY = timedelta(days=7)

CHAMPION = "champion"
RERANKED = "reranked"
TRIALS = "trials"
TUNED = "tuned"

_NOT_SEARCHED = {"tune", "search_seconds", "rerank_seconds", "k", "coverage_floor", "keep"}
"""Parameters of a night that do not change the settings that a search tries, except by time limits."""


@dataclass(frozen=True)
class Searched:
    """The settings that an earlier run of the same night tried.

    Attributes:
        components: Every setting, in the order in which they were tried.
        reranked: Whether the recipe that it chose has a reranker.
    """

    components: tuple[Component, ...]
    reranked: bool


def is_late(current: Release | None, as_of: datetime, force: bool) -> bool:
    """Return whether a night at T comes after a release of a later T, or repeats the night of the current one."""
    if current is None:
        return False
    return as_of < current.as_of or (force and as_of == current.as_of)


def releases_before(history: Sequence[Release], as_of: datetime) -> list[Release]:
    """Return the releases that a night at T finds when it runs on time, the one that is current then last.

    These are the published rows up to the first of that T or later, so that later rollbacks do not count; and what was
    backfilled for an earlier T, of which the newest is current if its T is later than that of the last published one.
    """
    published = (row for row in history if row.status == "published")
    found = list(takewhile(lambda row: row.as_of < as_of, published))
    backfilled = [row for row in history if row.status == "backfilled" and row.as_of < as_of]
    backfilled.sort(key=lambda row: row.as_of)
    later = [row for row in backfilled if not found or row.as_of > found[-1].as_of]
    return [*(row for row in backfilled if row not in later), *found, *later]


def tuning_is_due(found: Sequence[Release], as_of: datetime) -> bool:
    """Return whether a week has passed since the last of these releases whose night chose its recipe."""
    tuned = [row.as_of for row in found if row.gates.get(TUNED)]
    return not tuned or as_of - max(tuned) >= TUNE_EVERY


def find_searched(
    history: Sequence[Release], as_of: datetime, champion: Release | None, config: NightConfig
) -> Searched | None:
    """Return what the newest run at the same T, from the same champion and with the same configuration, tried.

    None where no such run searched, or where it is of an earlier version, which stored nothing.
    """
    start = champion.release_id if champion else None
    wanted = _searched_by(config.model_dump(mode="json"))
    for row in reversed(history):
        same = row.as_of == as_of and row.gates.get(CHAMPION) == start
        if same and TRIALS in row.gates and _searched_by(row.config) == wanted:
            return Searched(tuple(Component(**trial) for trial in row.gates[TRIALS]), bool(row.gates.get(RERANKED)))
    return None


def describe_search(selected: SelectRecord | None) -> dict[str, Any]:
    """Return what a release stores of the search for its recipe; nothing on a night that searched none."""
    if selected is None or not selected.tuned:
        return {}
    trials = [{"model": trial.model, "params": dict(trial.params)} for trial in selected.trials]
    return {TRIALS: trials, RERANKED: selected.recipe.reranker is not None}


def _searched_by(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in _NOT_SEARCHED}
