"""The estimate of a night on one machine, from its rows: what memory and time it takes, and whether they are there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import psutil

from nightschool.columns import INTERACTIONS, USER_ID
from nightschool.errors import Unavailable
from nightschool.storage.lake import Lake

_GB: Final = 1e9
_LEAST_GB: Final = 2.7
_BASE_GB: Final = 1.9
_EVENT_BYTES: Final = 85.0
_USER_BYTES: Final = 12_100.0
_BASE_SECONDS: Final = 35.0
_EVENT_SECONDS: Final = 19e-6
"""Fitted to the nights of benchmarks/results/scale.md, on two cores: 0.3, 3 and 30 million interactions."""

_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class NightPlan:
    """What a night would take.

    Attributes:
        rows: Interactions in the tables.
        users: Users with any, about.
        gigabytes: The peak memory of its process.
        seconds: Its length on two cores, the search included.
        available: Memory that the machine has left, in gigabytes.
    """

    rows: int
    users: int
    gigabytes: float
    seconds: float
    available: float

    @property
    def fits(self) -> bool:
        """Whether the memory is there."""
        return self.gigabytes <= self.available

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        if self.fits:
            return "one machine is enough"
        return "let Spark compute it (--set engine=spark, see docs/how-to/use-spark.md), or free memory"

    def require(self) -> None:
        """Raise unless the memory is there.

        Raises:
            Unavailable: It is not: the system would end the night in the middle.
        """
        if not self.fits:
            seen = f"about {self.gigabytes:.0f} GB for {self.rows:,} rows, of which {self.available:.1f} GB are free"
            raise Unavailable("a night of these data would run out of memory", seen=seen, do=self.advice)


def plan_night(lake: Lake, minutes: float) -> NightPlan:
    """Estimate a night on what the tables hold.

    Args:
        lake: The tables.
        minutes: The length of the search for a recipe.
    """
    counts = [pl.len().alias("rows"), pl.col(USER_ID).approx_n_unique().alias("users")]
    rows, users = lake.scan(INTERACTIONS).select(counts).collect(engine="streaming").row(0)
    gigabytes = max(_LEAST_GB, _BASE_GB + (_EVENT_BYTES * rows + _USER_BYTES * users) / _GB)
    seconds = _BASE_SECONDS + 60 * minutes + _EVENT_SECONDS * rows
    return NightPlan(rows, users, gigabytes, seconds, available_gigabytes())


def available_gigabytes() -> float:
    """Return the memory that this process may still take, what it has already included."""
    free = psutil.virtual_memory().available
    limit, used = (_number(_CGROUP / name) for name in ("memory.max", "memory.current"))
    if limit is not None and used is not None:
        free = min(free, max(limit - used, 0))
    return float(free + psutil.Process().memory_info().rss) / _GB


def _number(file: Path) -> int | None:
    """Read a number of a control group; None where there is none, or no limit."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
