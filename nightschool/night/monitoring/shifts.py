"""Which figures of a night the nights before do not let expect: notes at first, warnings from the second night on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, MODEL, SEGMENT, SPLIT, VALUE, K
from nightschool.contract import Mask
from nightschool.evaluation.figure_rows import ALL, LISTS
from nightschool.evaluation.segments import OVERALL
from nightschool.night.entries import ShiftEntry
from nightschool.night.monitoring.control_chart import control_limits
from nightschool.night.monitoring.drift import EVENTS, MISSING, PSI
from nightschool.night.monitoring.lists import CHANGED, TAKEN
from nightschool.night.prove import published_role
from nightschool.night.reporting.freshness import PLACES
from nightschool.storage.release import BASIS, SHIFTS, Release

Key = tuple[str, str, str]
"""Metric, split and segment."""


class Seen(NamedTuple):
    """A figure, and half of its 95 % interval; 0 where it has none."""

    value: float
    error: float = 0.0


NOTES_A_NIGHT: Final = 1.0
"""The largest expected number of notes in a calm night; half of it for figures of everything, half for segments."""
_FIRST_WARNING: Final = 2
LEARNED_ANEW: Final = 14
"""After so many nights outside of its limits, what a series shows is what is expected."""


@dataclass(frozen=True)
class Series:
    """A kind of figure that is watched over the nights.

    Attributes:
        metric: Its metric.
        split: `test` for the published recipe's quality, `all` for the lists and events themselves.
        least: The smallest change that is worth a note; a share of what is usual where `relative`.
        relative: Whether it is one.
        by_recipe: Whether another recipe may change it, so that its limits are learned anew with each.
        log: Whether the logarithm is watched, for counts that differ by factors; `least` is then one of it.
        wanders: Whether neighbouring nights measure it on nearly the same data; else each night has its own.
        words: What it is, for people; a segment's name is added.
    """

    metric: str
    split: str
    least: float
    words: str
    relative: bool = False
    by_recipe: bool = True
    log: bool = False
    wanders: bool = True


WATCHED: Final = (
    Series("ndcg", "test", 0.1, "ndcg@10 on the test", relative=True),
    Series("coverage", ALL, 0.05, "coverage@10 of the lists", relative=True),
    Series("gini", ALL, 0.02, "gini@10 of the lists"),
    Series("novelty", ALL, 0.02, "novelty@10 of the lists", relative=True),
    Series("average_popularity", ALL, 0.05, "average_popularity@10 of the lists", relative=True),
    Series(f"{PLACES}_30d", ALL, 0.02, "the share of places of items younger than 30 days"),
    Series(CHANGED, ALL, 0.1, "the share of lists that changed without new events"),
    Series(TAKEN, ALL, 0.02, "the share of active users who took a listed item", wanders=False),
    Series(EVENTS, ALL, 0.7, "the number of new events", by_recipe=False, log=True, wanders=False),
    Series(PSI, ALL, 0.1, "the stability index of the events' column", by_recipe=False, wanders=False),
    Series(MISSING, ALL, 0.05, "the share of new events without a value in the column", by_recipe=False, wanders=False),
)
"""What is watched; each of the segments that it is measured for is a series of its own."""


def watched_figures(metrics: pl.DataFrame, decision: str) -> dict[Key, Seen]:
    """Return the figures of one release that are watched.

    Args:
        metrics: The release's rows of the metrics table.
        decision: What it decided, which says whose quality on the test is that of the published recipe.
    """
    own = (pl.col(MODEL) == LISTS) & (pl.col(SPLIT) == ALL)
    quality = (pl.col(MODEL) == published_role(decision)) & (pl.col(SPLIT) == "test") & (pl.col(K) == 10)
    watched = pl.DataFrame({METRIC: [one.metric for one in WATCHED], SPLIT: [one.split for one in WATCHED]})
    error = ((pl.col(CI_HIGH) - pl.col(CI_LOW)) / 2).fill_null(0.0).alias("error")
    found = metrics.filter(own | quality).drop_nulls(VALUE).select(METRIC, SPLIT, SEGMENT, VALUE, error)
    rows = found.join(watched, on=[METRIC, SPLIT], how="semi", maintain_order="left")
    return {(metric, split, segment): Seen(*seen) for metric, split, segment, *seen in rows.iter_rows()}


@dataclass(frozen=True, eq=False)
class PastNight:
    """What is known of a release: its recipe, its basis of scoring, its figures, and what was outside of its limits.

    Attributes:
        recipe: The recipe as JSON holds it.
        basis: The hash of what the manifest says about scoring.
        figures: Metric, split and segment to what was seen.
        shifts: What was outside of its limits then.
    """

    recipe: Mapping[str, object]
    basis: str
    figures: Mapping[Key, Seen]
    shifts: tuple[ShiftEntry, ...] = ()

    @classmethod
    def of(cls, release: Release, metrics: pl.DataFrame) -> Self:
        """Build it from a release and its rows of the metrics table."""
        gates = release.gates
        shifts = tuple(ShiftEntry.model_validate(each) for each in gates.get(SHIFTS, ()))
        figures = watched_figures(metrics, str(gates.get("decision", "")))
        return cls(release.recipe, str(gates.get(BASIS, "")), figures, shifts)

    def shift(self, key: Key) -> ShiftEntry | None:
        """Return the shift of a series that night; None where it was within its limits."""
        return next((one for one in self.shifts if (one.metric, one.split, one.segment) == key), None)


def find_shifts(past: Sequence[PastNight], tonight: PastNight) -> tuple[ShiftEntry, ...]:
    """Judge each figure of tonight by those of the releases before, oldest first.

    A series that was outside of its limits at the release before and has not come back is a warning; its limits stay
    those that it left, until it comes back, starts anew, or two weeks have passed.
    """
    nights = [*past, tonight]
    of_all = sum(segment == OVERALL for *_, segment in tonight.figures)
    error_rates = {True: NOTES_A_NIGHT / 2 / max(1, of_all)}
    error_rates[False] = NOTES_A_NIGHT / 2 / max(1, len(tonight.figures) - of_all)
    found = []
    for series in WATCHED:
        for key in sorted(key for key in tonight.figures if key[:2] == (series.metric, series.split)):
            value = tonight.figures[key].value
            last = past[-1].shift(key) if past and not _starts_anew(series, past[-1], tonight) else None
            if last is not None and last.nights < LEARNED_ANEW and _still_outside(last, value):
                found.append(last.model_copy(update={"seen": value, "span": 1, "nights": last.nights + 1}))
            else:
                found += _judge(series, key, nights, error_rates[key[2] == OVERALL])
    return tuple(found)


def unaccepted(shifts: Sequence[ShiftEntry]) -> list[str]:
    """Say which figures are a warning for the first time: a release that was published with a warning accepted it."""
    return [in_words(shift) for shift in shifts if shift.nights == _FIRST_WARNING]


def in_words(shift: ShiftEntry) -> str:
    """Say what was seen and what was expected, in a sentence without its full stop."""
    segment = "" if shift.segment == OVERALL else f" of {shift.segment}"
    mean = f" on average over {shift.span} nights" if shift.span > 1 else ""
    again = f", for {shift.nights} nights now" if shift.persists else ""
    return (
        f"{shift.words}{segment} is {shift.seen:.4g}{mean}, where {max(shift.low, 0):.4g} to {shift.high:.4g} "
        f"was expected{again}"
    )


def _still_outside(last: ShiftEntry, value: float) -> bool:
    return value > last.high if last.seen > last.high else value < last.low


def _judge(series: Series, key: Key, nights: Sequence[PastNight], error_rate: float) -> list[ShiftEntry]:
    """Return the shift of one series tonight; none where it is within its limits or these are not known."""
    known = _expected_nights(key, [night for night in nights if key in night.figures])
    values = np.array([night.figures[key].value for night in known])
    shown = np.log1p(values) if series.log else values
    least = series.least * (abs(float(np.median(shown))) if series.relative else 1.0)
    # Tests of neighbouring nights are nearly the same; those of other weeks differ by chance as two samples do.
    least = max(least, np.sqrt(2) * float(np.median([night.figures[key].error for night in known])))
    limits = control_limits(
        shown, _breaks(series, key, known), error_rate=error_rate, least=least, wanders=series.wanders
    )
    if limits is None or not limits.outside:
        return []
    ends = np.array([limits.seen, limits.expected, limits.low, limits.high])
    seen, expected, low, high = (float(end) for end in (np.expm1(ends) if series.log else ends))
    metric, split, segment = key
    about = {"metric": metric, "split": split, "segment": segment, "words": series.words}
    return [ShiftEntry(**about, seen=seen, expected=expected, low=low, high=high, span=limits.span)]


def _expected_nights(key: Key, nights: Sequence[PastNight]) -> list[PastNight]:
    """Leave out nights on which the series was outside of its limits, unless it was so for long that it is expected."""
    kept: list[PastNight] = []
    learned = False
    for night in reversed(nights):
        shift = night.shift(key)
        learned = shift is not None and (learned or shift.nights >= LEARNED_ANEW)
        if shift is None or learned:
            kept.append(night)
    return kept[::-1]


def _breaks(series: Series, key: Key, nights: Sequence[PastNight]) -> Mask:
    """Return bool[n], the nights with which a series starts anew."""
    changed = [
        _starts_anew(series, before, after) or (before.shift(key) is None and after.shift(key) is not None)
        for before, after in pairwise(nights)
    ]
    return np.array([True, *changed])


def _starts_anew(series: Series, before: PastNight, after: PastNight) -> bool:
    """Return whether a series of two nights in a row cannot be compared: by their scoring or by their recipes."""
    return before.basis != after.basis or (series.by_recipe and before.recipe != after.recipe)
