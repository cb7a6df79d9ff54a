"""The bounds that a dataset's values must keep, as its manifest and the clock give them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from nightschool.data.manifest import Manifest

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""Anything before is a missing time that somebody wrote as zero."""


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
        """The bounds for data that arrive now; a day's grace is left for clocks that run ahead."""
        return cls(now + timedelta(days=1), manifest.score_range)
