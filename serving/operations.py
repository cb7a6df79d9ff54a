"""The operator's figures: releases, their metrics over nights, experiments, quarantine, age of the data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

import polars as pl

from nightschool.columns import (
    CI_HIGH,
    CI_LOW,
    DETAIL,
    METRIC,
    METRICS,
    MODEL,
    QUARANTINED_AT,
    READ_AT,
    REASON,
    RELEASE_ID,
    ROWS,
    SEGMENT,
    SOURCES,
    SPLIT,
    STATE,
    TABLE,
    VALUE,
    K,
)
from nightschool.errors import NotFound
from nightschool.evaluation.catalog import SHOWN_AT, Place, shown_in
from nightschool.evaluation.segments import OVERALL
from nightschool.experiments.analysis import Analysis
from nightschool.experiments.plan import Experiment
from nightschool.experiments.results import results_of
from nightschool.experiments.store import Experiments
from nightschool.recipe import Recipe
from nightschool.settings import HomePaths, Settings
from nightschool.storage.binding import get_binding
from nightschool.storage.database import find_database
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.table import quarantined as all_quarantined
from nightschool.storage.release import BASIS, STORED, Release
from nightschool.storage.releases import Releases
from nightschool.storage.replica import replica_of
from serving.schemas.releases import ReleaseDetail, ReleaseEntry

ROLES: Final = ("challenger", "champion", "popularity")
NIGHTS: Final = 60
_EXPERIMENTS: Final = 5
_TEST = "test"
_EXAMPLE = "example"
_NEWEST = "newest"


class Figure(NamedTuple):
    """A metric of one model on the test of one night, with the ends of its 95 % interval if it has one.

    Attributes:
        comparable: Whether scoring was the same as in the night before.
    """

    release_id: str
    as_of: datetime
    value: float
    low: float | None
    high: float | None
    comparable: bool = True


class Curve(NamedTuple):
    """A metric over the nights, oldest first, by the role that a model had that night."""

    metric: str
    lines: Mapping[str, Sequence[Figure]]


class Quarantined(NamedTuple):
    """Quarantined rows of one table and reason, with the detail of one of them."""

    table: str
    reason: str
    rows: int
    newest: datetime | None
    example: str


class ReleaseState(NamedTuple):
    """The state of a home's releases.

    Attributes:
        current: The release that readers see; None before the first publication.
        history: Every row of the releases table, in commit order.
        hold: The row of the hold that keeps nights from publishing; None when they do.
    """

    current: Release | None
    history: Sequence[Release]
    hold: Release | None

    @property
    def newest(self) -> list[Release]:
        """Return the newest row of each release, the latest commit first."""
        rows = {row.release_id: row for row in self.history if row.release_id}
        return sorted(rows.values(), key=lambda row: row.commit_version, reverse=True)

    @property
    def nights(self) -> list[Release]:
        """Return the newest releases that were published or backfilled, oldest T first."""
        stored = {row.release_id: row for row in self.history if row.status in STORED}
        return sorted(stored.values(), key=lambda row: row.as_of)[-NIGHTS:]


def open_lake(paths: HomePaths) -> Lake:
    """Open the home's tables.

    Raises:
        NotFound: Nothing was ingested yet.
    """
    binding = get_binding(paths.binding)
    return Lake(paths.lake, binding.user_dtype, binding.item_dtype, replica=replica_of(paths))


def release_state(lake: Lake) -> ReleaseState:
    """Read the state of the home's releases."""
    releases = Releases(lake)
    return ReleaseState(releases.current(), releases.history(), releases.holding())


def release_entries(lake: Lake | None) -> list[ReleaseEntry]:
    """List every release, oldest first; none before the first ingest."""
    listing = Releases(lake).listing() if lake else []
    return [ReleaseEntry.model_validate({name: row[name] for name in ReleaseEntry.model_fields}) for row in listing]


def release_detail(lake: Lake | None, release_id: str) -> ReleaseDetail:
    """Return one release with recipe, gates, row counts and content hashes.

    Raises:
        NotFound: There is no such release.
    """
    if lake is None:
        raise NotFound("no such release", seen=release_id[:100], do="run `nightschool retrain` first")
    row = Releases(lake).get(release_id)
    entry = next(entry for entry in release_entries(lake) if entry.id == release_id)
    fields = {name: getattr(row, name) for name in ("recipe", "gates", "row_counts", "content_hashes")}
    return ReleaseDetail.model_validate({**entry.model_dump(), **fields})


def roll_back(lake: Lake, release_id: str, reason: str, hold: bool, by: str = "") -> Release:
    """Make a release current again and return it; MLflow's alias follows at the next night's start.

    With `hold`, publishing is put on hold first, so that the next night does not undo the rollback.

    Raises:
        NotFound: There is no such release, or its tables were pruned.
        Busy: Other processes kept moving the pointer.
    """
    releases = Releases(lake)
    releases.whole(release_id)
    if hold:
        releases.hold(reason, by)
    return releases.rollback(release_id, reason, by)


class ExperimentResult(NamedTuple):
    """An experiment and its results so far."""

    experiment: Experiment
    shown: Analysis


def experiment_results(settings: Settings) -> list[ExperimentResult]:
    """Read the experiments that run, and the newest of the others, newest first.

    Raises:
        Unreachable: The database does not answer.
    """
    database = find_database(settings.events_address)
    if database is None:
        return []
    try:
        experiments = Experiments(database)
        known = experiments.all()
        shown = [each for each in known if each.stopped_at is None or each in known[-_EXPERIMENTS:]]
        return [ExperimentResult(each, results_of(experiments, each, settings)) for each in reversed(shown)]
    finally:
        database.dispose()


def recipe_name(release: Release) -> str:
    """Return the short name of a release's recipe; empty for a night that ended before it had one."""
    return Recipe.model_validate(release.recipe).name if release.recipe else ""


def curves(lake: Lake, nights: Sequence[Release]) -> list[Curve]:
    """Read the course of each shown metric over these releases, of all users on the test."""
    as_of = {release.release_id: release.as_of for release in nights}
    breaks = _breaks(nights)
    found = (
        lake.scan(METRICS)
        .filter(pl.col(RELEASE_ID).is_in(list(as_of)), pl.col(SPLIT) == _TEST, pl.col(SEGMENT) == OVERALL)
        .filter(pl.col(VALUE).is_not_null())
        .select(RELEASE_ID, MODEL, METRIC, K, VALUE, CI_LOW, CI_HIGH)
        .collect()
    )
    by_metric: dict[tuple[str, int | None], dict[str, list[Figure]]] = {}
    for release_id, model, metric, k, value, low, high in found.iter_rows():
        lines = by_metric.setdefault((metric, k), {})
        lines.setdefault(model, []).append(
            Figure(release_id, as_of[release_id], value, low, high, release_id not in breaks)
        )
    drawn = [(metric, SHOWN_AT if metric.by_k else None) for metric in shown_in(Place.CURVES)]
    return [_curve(metric.label(k), by_metric[metric.name, k]) for metric, k in drawn if (metric.name, k) in by_metric]


def _breaks(nights: Sequence[Release]) -> set[str]:
    """Return the nights, oldest first, whose stored basis of scoring differs from that of the night before."""
    known = [release for release in nights if release.gates.get(BASIS)]
    return {after.release_id for before, after in pairwise(known) if before.gates[BASIS] != after.gates[BASIS]}


def _curve(metric: str, lines: Mapping[str, list[Figure]]) -> Curve:
    roles = [role for role in ROLES if role in lines]
    return Curve(metric, {role: sorted(lines[role], key=lambda figure: figure.as_of) for role in roles})


def quarantined(lake: Lake) -> list[Quarantined]:
    """Count quarantined rows by table and reason, most rows first."""
    grouped = all_quarantined(lake).group_by(TABLE, REASON)
    counts = grouped.agg(
        pl.len().cast(pl.Int64).alias(ROWS),
        pl.col(QUARANTINED_AT).max().alias(_NEWEST),
        pl.col(DETAIL).drop_nulls().first().fill_null("").alias(_EXAMPLE),
    )
    ordered = counts.sort(ROWS, TABLE, REASON, descending=[True, False, False])
    rows = ordered.select(TABLE, REASON, ROWS, _NEWEST, _EXAMPLE).collect()
    return [Quarantined(*row) for row in rows.iter_rows()]


def last_read(lake: Lake) -> datetime | None:
    """Return when a source with new rows was last read; None before the first."""
    taken = lake.scan(SOURCES).filter(pl.col(STATE).is_null())
    newest: datetime | None = taken.select(pl.col(READ_AT).max()).collect().item()
    return newest
