"""What is watched of a night: figures of its lists and events, and which of them the releases before do not expect."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import polars as pl

from nightschool.columns import AVAILABLE_AT, INTERACTIONS, METRICS, RECOMMENDATIONS, RELEASE_ID
from nightschool.contract import Dataset, Mask
from nightschool.evaluation.figure_rows import figure_rows
from nightschool.night.basis import describe_basis
from nightschool.night.entries import ShiftEntry
from nightschool.night.lineage import releases_before
from nightschool.night.monitoring.drift import measure_drift
from nightschool.night.monitoring.exposure import measure_exposure
from nightschool.night.monitoring.lists import Since, measure_lists
from nightschool.night.monitoring.shifts import PastNight, find_shifts, watched_figures
from nightschool.night.night import Night
from nightschool.night.records import ProveRecord
from nightschool.storage.lake import Lake
from nightschool.storage.release import BASIS, Release


def since_champion(night: Night) -> Since | None:
    """Return what there was since the release that the night started from; None on the first night."""
    lake, before = night.home.lake, night.champion
    if before is None:
        return None
    known = pl.col(AVAILABLE_AT).is_between(before.as_of, night.identity.as_of, closed="right")
    return Since(lake.scan(RECOMMENDATIONS, before.release_id), lake.scan(INTERACTIONS).filter(known))


def measure_tonight(night: Night, lists: pl.DataFrame, dataset: Dataset, kinds: Mapping[str, Mask]) -> pl.DataFrame:
    """Measure the lists and the events since the release before, as rows of the metrics table without a release.

    Args:
        night: The night.
        lists: user_id, item_id and rank of every list.
        dataset: Everything known tonight.
        kinds: Kinds of items to bool[n_items].
    """
    figures = [*measure_lists(lists, dataset, since_champion(night)), *measure_exposure(lists, dataset, kinds)]
    if night.champion is None:
        return figure_rows(figures)
    parts = night.manifest.interactions
    # All that rate do so on one scale; how labels, times and durations are profiled is the same for all.
    part = next((part for part in parts if part.rating), parts[0])
    events, as_of = night.home.lake.scan(INTERACTIONS), night.identity.as_of
    return figure_rows([*figures, *measure_drift(events, part, night.champion.as_of, as_of)])


def judge_tonight(night: Night, proved: ProveRecord, measured: Sequence[pl.DataFrame]) -> tuple[ShiftEntry, ...]:
    """Return the figures of tonight that are outside of the limits learned from the releases before.

    Args:
        night: The night.
        proved: What the test approved.
        measured: Rows of the metrics table, of the test and of the lists.
    """
    before = releases_before(night.home.releases.history(), night.identity.as_of)
    nights = [figures for _, figures in read_nights(night.home.lake, before)]
    basis = str(describe_basis(night.manifest)[BASIS])
    figures = watched_figures(pl.concat(measured), proved.decision)
    return find_shifts(nights, PastNight(proved.recipe.model_dump(mode="json"), basis, figures))


def read_nights(lake: Lake, releases: Iterable[Release]) -> list[tuple[datetime, PastNight]]:
    """Read T and the watched figures of the releases that still have any, each once, oldest first."""
    found = {one.release_id: one for one in releases}
    rows = lake.scan(METRICS).filter(pl.col(RELEASE_ID).is_in([*found])).collect()
    parts = {str(release_id): part for (release_id,), part in rows.group_by(RELEASE_ID)}
    ordered = sorted((found[release_id] for release_id in parts), key=lambda one: one.as_of)
    return [(one.as_of, PastNight.of(one, parts[one.release_id])) for one in ordered]
