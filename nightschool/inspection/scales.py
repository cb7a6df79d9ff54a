"""Numbers to what they are measured in: the scale of ratings, the unit of times."""

import math
from datetime import UTC, datetime
from typing import Final

from nightschool.inspection.profiles import Kind, Profile

_SCALES: Final = ((0, 1), (1, 5), (0.5, 5), (0, 5), (1, 7), (1, 10), (0, 10), (-1, 1), (0, 20), (0, 100), (-10, 10))
"""Scales in use, the usual ones first."""

_SENTINELS: Final = frozenset((-1.0, 0.0, -9.0, -99.0, -999.0, 99.0, 999.0))
_FEWEST_RATINGS: Final = 3
"""Different numbers; fewer are votes."""

_STEPS: Final = (1, 2, 2.5, 3, 5, 10)
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)


def rating_scale(low: float, high: float, *, halves: bool) -> tuple[float, float]:
    """Return the narrowest usual scale, both ends included, that holds the numbers; else one with round ends.

    Args:
        low: The least rating seen.
        high: The greatest.
        halves: Whether some have a fraction.
    """
    fitting = ((a, b) for a, b in _SCALES if a <= low and high <= b and (halves or not a % 1))
    return next(fitting, None) or (min(0.0, -_round_up(-low)), _round_up(high))


def sentinels(rating: Profile) -> tuple[float, ...]:
    """Return numbers at an end of the ratings that stand for none: -1, 99 and the like, and a most frequent 0."""
    numbers = {float(level) for level in rating.levels} if rating.distinct <= len(rating.levels) else set()
    most = float(rating.levels[0]) if rating.levels else None
    found: list[float] = []
    while len(numbers) > _FEWEST_RATINGS:
        ends = (min(numbers), max(numbers))
        rest = sorted(numbers - {*found})
        stray = next((end for end in ends if _stands_apart(end, rest, most)), None)
        if stray is None:
            break
        found.append(stray)
        numbers.discard(stray)
    return tuple(sorted(found))


def _stands_apart(number: float, numbers: list[float], most: float | None) -> bool:
    """Return whether a number is a usual placeholder for a rating and lies beyond the scale of the others."""
    if number not in _SENTINELS or (number == 0 and most != 0):
        return False
    rest = [each for each in numbers if each != number]
    low, high = rating_scale(rest[0], rest[-1], halves=any(each % 1 for each in rest))
    return not low <= number <= high


def hit_from(low: float, high: float, *, halves: bool) -> float:
    """Return where the upper third of a scale begins: 4 on a scale from 1 to 5."""
    step = 0.5 if halves else 1.0
    edge = low + (high - low) * 2 / 3
    return min(math.ceil(round(edge / step, 6)) * step, high) if high - low > 2 else edge


def time_unit(column: Profile, now: datetime) -> str | None:
    """Return the unit in which nearly all values are times since 1990: iso, s, ms or us; None if none fits."""
    if column.usual is None:
        return None
    units = {"iso": 1.0} if column.kind == Kind.INSTANT else {"s": 1.0, "ms": 1e3, "us": 1e6}
    for unit, a_second in units.items():
        if all(_EARLIEST.timestamp() <= each / a_second <= now.timestamp() for each in column.usual):
            return unit
    return None


def _round_up(number: float) -> float:
    """Round up to the next of 1, 2, 2.5, 3, 5, 10, 20, 25 and so on."""
    if number <= 0:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(number))
    return next((step * unit for step in _STEPS if number <= step * unit), number)
