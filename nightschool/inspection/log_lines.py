"""The columns of interactions as keys of a manifest: who, what and when, and how it is scored."""

from collections.abc import Sequence
from typing import Final

from nightschool.data.manifest.event_weights import EVENT_WEIGHTS, guess_weight
from nightschool.data.readers.adjacency import Adjacency
from nightschool.inspection.logs import Log
from nightschool.inspection.looks import Family
from nightschool.inspection.names import Topic, mentions
from nightschool.inspection.profiles import Profile
from nightschool.inspection.scales import hit_from, rating_scale, sentinels
from nightschool.inspection.toml_text import Line

_WHY_MODE: Final = {
    "rating": "there are ratings",
    "engagement": "there are durations or likes: min(seconds / 300, 5) + 5 for a like",
    "events": "there are several types of events",
    "implicit": "only whether a user interacted with an item counts",
}
_WHY_UNIT: Final = {"iso": "dates as ISO 8601 writes them", "s": "numbers as large as seconds since 1970"}


def signal_lines(main: Family, log: Log) -> list[Line]:
    """Return the keys for scoring, hits, and whether the files are a log of the past."""
    mode, *others = log.modes
    lines = [Line(("score",), mode, _WHY_MODE[mode])]
    lines += [Line(("score",), other, _WHY_MODE[other], only_offered=True) for other in others]
    if log.rating:
        low, high = _scale(main, log.rating)
        why = f"the upper third of the scale from {low:g} to {high:g} counts as a hit"
        lines.append(Line(("relevant", "rating_min"), hit_from(low, high, halves=_halves(log.rating)), why))
    why = "rows have times" if log.time else "rows have no times; they count from the night that first sees them"
    return [*lines, Line(("history",), log.time is not None, why)]


def weight_lines(main: Family, log: Log) -> list[Line]:
    """Return a weight for each event type without a default one, if interactions are scored by events."""
    if log.modes[0] != "events" or log.event is None:
        return []
    types = [level for level in main.levels(log.event.name) if level not in EVENT_WEIGHTS]
    return [Line((event,), guess_weight(event), "set this: what one such event is worth, -10 to 10") for event in types]


def log_lines(main: Family, log: Log) -> list[Line]:
    """Return the keys of [interactions] after its files."""
    listed = isinstance(main.first.format, Adjacency)
    user_why, item_why = ("first on its line", "after the first") if listed else ("", "")
    lines = [*_id_lines(Topic.USER, log.user, log, user_why), *_id_lines(Topic.ITEM, log.item, log, item_why)]
    if log.rating:
        low, high = _scale(main, log.rating)
        seen = "seen from {:g} to {:g}".format(*main.range(log.rating.name))
        lines += [
            Line(("rating", "column"), log.rating.name, f"numbers on a scale, {seen}"),
            Line(("rating", "min"), low, "the usual scale around what was seen"),
            Line(("rating", "max"), high, "likewise"),
        ]
        if none := sentinels(log.rating):
            lines.append(
                Line(
                    ("rating", "missing"), none, "beyond the scale: the user interacted with the item without rating it"
                )
            )
    if log.time:
        unit = _WHY_UNIT.get(log.unit, f"numbers as large as {log.unit} since 1970")
        written = Line(("timestamp", "unit"), log.unit, unit)
        if log.time.forms:
            written = Line(("timestamp", "format"), log.time.forms[0], "the only form that fits the rows seen")
        lines += [Line(("timestamp", "column"), log.time.name, "times"), written]
        if log.time.forms:
            why = "where the times are local ones; without it they are UTC"
            lines.append(Line(("timestamp", "timezone"), "Europe/Berlin", why, only_offered=True))
        lines += _offered(("timestamp", "column"), log, "timestamp")
    if log.unsure:
        lines.append(Line(("timestamp", "column"), log.unsure.name, "with one of the two forms", only_offered=True))
        lines += [Line(("timestamp", "format"), form, "as it is meant", only_offered=True) for form in log.unsure.forms]
    if log.order:
        why = log.order.why if log.order.shown else f"if rows stand in the order of time; {log.order.why}"
        lines.append(Line(("order",), "file", why, only_offered=not log.order.shown))
    named = {"event": log.event, "duration": log.duration, "liked": log.liked, "event_id": log.event_id}
    whys = {"duration": "its name; it must hold seconds", "event_id": "different in every row seen"}
    return lines + [
        Line((key,), part.name, whys.get(key, "its name and values")) for key, part in named.items() if part
    ]


def _id_lines(topic: Topic, part: Profile, log: Log, why: str) -> list[Line]:
    why = why or ("by its name" if mentions(part.name, topic) else "by its place")
    why = f"{why}; {part.distinct:,} different ids in {part.rows:,} rows"
    return [Line((topic,), part.name, why), *_offered((topic,), log, topic)]


def _offered(key: tuple[str, ...], log: Log, role: str) -> Sequence[Line]:
    return [Line(key, name, "it could be this", only_offered=True) for name in log.others.get(role, ())]


def _scale(main: Family, rating: Profile) -> tuple[float, float]:
    none, halves = sentinels(rating), _halves(rating)
    if not none:
        return rating_scale(*main.range(rating.name), halves=halves)
    numbers = [number for level in main.levels(rating.name) if (number := float(level)) not in none]
    return rating_scale(min(numbers), max(numbers), halves=halves)


def _halves(rating: Profile) -> bool:
    return any(float(level) % 1 for level in rating.levels)
