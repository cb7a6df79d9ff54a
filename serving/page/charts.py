"""Layout of the charts, in units of the picture; templates draw them."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from serving.operations import Curve, Figure

WIDTH: Final = 480
HEIGHT: Final = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 470, 10, 176
_TICKS = 4
_DAYS = 5


class Dot(NamedTuple):
    """A point of the chart, with the ends of its interval if it has one."""

    x: float
    y: float
    top: float | None
    bottom: float | None
    label: str


class Line(NamedTuple):
    """The points of one role.

    Attributes:
        parts: Points of SVG polylines, one polyline between two changes of the scoring.
    """

    role: str
    dots: Sequence[Dot]
    parts: Sequence[str]


class Tick(NamedTuple):
    """A position on an axis and its label."""

    place: float
    label: str


class Chart(NamedTuple):
    """A metric over nights as a picture of WIDTH × HEIGHT."""

    metric: str
    lines: Sequence[Line]
    across: Sequence[Tick]
    up: Sequence[Tick]
    curve: Curve

    @property
    def broken(self) -> bool:
        """Return whether scoring changed between two of the nights."""
        return any(len(line.parts) > 1 for line in self.lines)


def chart(curve: Curve) -> Chart:
    """Lay out the chart of a metric over nights; time runs from left to right, to scale."""
    figures = [figure for line in curve.lines.values() for figure in line]
    instants = sorted({figure.as_of for figure in figures})
    heights = _ticks(figures)
    span = _Span(instants[0], instants[-1], heights[0], heights[-1])
    decimals = max(0, -math.floor(math.log10(heights[1] - heights[0])))
    return Chart(
        metric=curve.metric,
        lines=_lines(curve.lines, span),
        across=[Tick(span.x(instant), f"{instant.astimezone(UTC):%-d %b}") for instant in _spread(instants)],
        up=[Tick(span.y(height), f"{height:.{decimals}f}") for height in heights],
        curve=curve,
    )


class _Span(NamedTuple):
    """The ranges of time and value that the picture covers."""

    first: datetime
    last: datetime
    low: float
    high: float

    def x(self, instant: datetime) -> float:
        whole = (self.last - self.first).total_seconds()
        share = (instant - self.first).total_seconds() / whole if whole else 0.5
        return round(_LEFT + 12 + share * (_RIGHT - _LEFT - 24), 1)

    def y(self, value: float) -> float:
        return round(_BOTTOM - (value - self.low) / (self.high - self.low) * (_BOTTOM - _TOP), 1)


def _lines(lines: Mapping[str, Sequence[Figure]], span: _Span) -> list[Line]:
    """Lay out the lines of all roles, a little apart, so that their intervals do not hide each other."""
    drawn = []
    for place, (role, figures) in enumerate(lines.items()):
        aside = 3 * (place - (len(lines) - 1) / 2)
        dots = [_dot(figure, span, aside, role) for figure in figures]
        drawn.append(Line(role, dots, _parts(dots, [figure.comparable for figure in figures])))
    return drawn


def _parts(dots: Sequence[Dot], comparable: Sequence[bool]) -> list[str]:
    parts: list[list[str]] = []
    for dot, goes_on in zip(dots, comparable, strict=True):
        if not parts or not goes_on:
            parts.append([])
        parts[-1].append(f"{dot.x},{dot.y}")
    return [" ".join(part) for part in parts]


def _dot(figure: Figure, span: _Span, aside: float, role: str) -> Dot:
    interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.4f}, {figure.high:.4f}]"
    return Dot(
        x=round(span.x(figure.as_of) + aside, 1),
        y=span.y(figure.value),
        top=None if figure.high is None else span.y(figure.high),
        bottom=None if figure.low is None else span.y(figure.low),
        label=f"{role}, {figure.release_id}: {figure.value:.4f}{interval}",
    )


def _ticks(figures: Sequence[Figure]) -> list[float]:
    """Choose round values for the axis that enclose every figure and interval."""
    ends = [end for figure in figures for end in (figure.value, figure.low, figure.high) if end is not None]
    low, high = min(ends), max(ends)
    step = _round_step(high - low or abs(high) or 1.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _round_step(span: float) -> float:
    """Choose the step of an axis: 1, 2 or 5 times a power of ten, a few of which cover the span."""
    magnitude = 10.0 ** math.floor(math.log10(span / _TICKS))
    return next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor * _TICKS >= span)


def _spread(instants: Sequence[datetime]) -> list[datetime]:
    """Pick a few of the instants, the first and the last included."""
    if len(instants) <= _DAYS:
        return list(instants)
    return [instants[round(place * (len(instants) - 1) / (_DAYS - 1))] for place in range(_DAYS)]
