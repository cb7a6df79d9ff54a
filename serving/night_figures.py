"""Prometheus metrics of the last night, read from the home's tables at scrape time."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import polars as pl
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from nightschool.errors import NightschoolError
from nightschool.settings import HomePaths
from nightschool.storage.lake import UNREADABLE, Lake
from nightschool.storage.nights import NightRow, Nights, last_ended
from nightschool.storage.release import SHIFTS
from nightschool.storage.releases import Releases

SECONDS: Final = 15.0
"""How long the metrics that were read are kept."""

logger = logging.getLogger("nightschool.serving")


class NightFigures:
    """The metrics of a home's nights; a home that cannot be read never fails the scrape."""

    def __init__(self, paths: HomePaths, clock: Callable[[], float] = time.monotonic) -> None:
        self.paths = paths
        self._clock = clock
        self._read_at = float("-inf")
        self._text = b""

    def exposition(self) -> bytes:
        """Return the metrics in Prometheus' text format, at most 15 seconds old."""
        if self._clock() - self._read_at >= SECONDS:
            self._text, self._read_at = self._read(), self._clock()
        return self._text

    def _read(self) -> bytes:
        registry = CollectorRegistry()
        try:
            families = [*_of_nights(Nights.of(self.paths).all()), *_of_release(self.paths)]
            readable = 1
        except (NightschoolError, *UNREADABLE) as error:
            logger.warning("the nights cannot be read: %s", error)
            families, readable = [], 0
        about = "Whether the tables of nights and releases could be read."
        families.append(GaugeMetricFamily("nightschool_nights_readable", about, readable))
        registry.register(_Found(families))
        return generate_latest(registry)


class _Found:
    """A collector of metric families that were read already."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._families


def _of_nights(rows: list[NightRow]) -> Iterator[GaugeMetricFamily]:
    last = last_ended(rows)
    if last is None:
        return
    outcome = GaugeMetricFamily("nightschool_last_night", "1 for what became of the last night.", labels=["outcome"])
    outcome.add_metric([last.outcome], 1)
    yield outcome
    success = next((row for row in rows if row.succeeded), None)
    instants = {
        "nightschool_last_night_timestamp_seconds": ("When the last night began.", last.started_at),
        "nightschool_last_success_timestamp_seconds": (
            "When the last night began that ended with exit code 0.",
            success.started_at if success else None,
        ),
        "nightschool_last_night_as_of_timestamp_seconds": ("The T of the last night.", last.as_of),
        "nightschool_newest_event_timestamp_seconds": ("The newest event known at that T.", last.newest_event),
    }
    for name, (about, instant) in instants.items():
        if instant is not None:
            yield GaugeMetricFamily(name, about, _seconds(instant))
    share = _quarantined_share(last)
    if share is not None:
        about = "Part of the last night's new source rows that was put into quarantine."
        yield GaugeMetricFamily("nightschool_quarantined_share", about, share)


def _of_release(paths: HomePaths) -> Iterator[GaugeMetricFamily]:
    current = Releases(Lake(paths.lake, pl.Int64(), pl.Int64())).current()
    if current is None:
        return
    passed = [bool(gate["passed"]) for gate in current.gates.get("asked", [])]
    gates = GaugeMetricFamily("nightschool_release_gates", "Gates of the current release.", labels=["result"])
    gates.add_metric(["passed"], passed.count(True))
    gates.add_metric(["failed"], passed.count(False))
    yield gates
    outside = GaugeMetricFamily(
        "nightschool_release_figures_outside",
        "Watched figures of the current release that are outside of their limits, first night or longer.",
        labels=["nights"],
    )
    nights = [int(shift["nights"]) for shift in current.gates.get(SHIFTS, [])]
    outside.add_metric(["first"], nights.count(1))
    outside.add_metric(["longer"], len(nights) - nights.count(1))
    yield outside


def _quarantined_share(row: NightRow) -> float | None:
    quarantined = sum(int(counts.get("quarantined", 0)) for counts in row.rows.values())
    new = quarantined + sum(int(counts.get("accepted", 0)) for counts in row.rows.values())
    return quarantined / new if new else None


def _seconds(instant: datetime) -> float:
    return instant.timestamp()
