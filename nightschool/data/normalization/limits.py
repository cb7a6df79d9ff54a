"""The bounds that a dataset's values must keep, as its manifest and the clock give them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from nightschool.data.manifest.manifest import Manifest

ZERO_FROM: Final = datetime(1969, 12, 31, tzinfo=UTC)
ZERO_UNTIL: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""Between these lies second zero in every time zone: a missing time that was written as 0."""

EARLIEST: Final = datetime(1971, 1, 1, tzinfo=UTC)
"""Counts of seconds of this century that are read as milliseconds, or milliseconds as microseconds, end before."""

LONGEST_DURATION: Final = 366 * 86_400.0
"""Seconds; no one engagement lasts longer than a year."""

MANY_REPEATS: Final = 0.5
"""Share of the bare pairs that were named before, from which a list must have been delivered twice."""

LONGEST_ID: Final = 512
"""Characters of an id, at ingest and in requests."""
LONGEST_TEXT: Final = 100_000
"""Characters."""


@dataclass(frozen=True)
class Limits:
    """Bounds of an interaction's values, both ends included.

    Attributes:
        latest: The latest plausible time of an event.
        rating: The rating scale; None where the data hold no ratings.
    """

    latest: datetime
    rating: tuple[float, float] | None = None

    @classmethod
    def of(cls, manifest: Manifest, now: datetime) -> Self:
        """Return the bounds for data that arrive now, with a day's grace for clocks that run ahead."""
        return cls(now + timedelta(days=1), manifest.score_range)
