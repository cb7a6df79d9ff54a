"""Which columns of a file make it a log of interactions: who, what, when, and how much it was liked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from nightschool.inspection.names import Topic, head_of, is_about, mentions, names_an_id, words_of
from nightschool.inspection.profiles import Kind, Profile
from nightschool.inspection.scales import time_unit

_OTHER_UNITS: Final = frozenset(
    ("minute", "minutes", "min", "mins", "hour", "hours", "h", "ms", "millis", "milliseconds")
)
_OCCASIONS: Final = frozenset(("event", "events", "activity"))
_MOST_EVENT_TYPES: Final = 50
_A_DAY: Final = 86_400


@dataclass(frozen=True)
class FileOrder:
    """What was found out about the order of rows without times.

    Attributes:
        shown: Whether they were shown to stand in the order of time.
        why: By what, or why not.
    """

    shown: bool
    why: str


@dataclass(frozen=True)
class Log:
    """The columns of interactions; None where there is none.

    Attributes:
        unit: How the time is written.
        named: How many of user and item are identified by the columns' names.
        unsure: A column of dates that could be read in two ways.
        remarks: Role to the objection against a column that seemed to have it.
        others: Role to columns that could have been it as well.
        order: Whether rows without times stand in the order of time; None where that was not looked at.
    """

    user: Profile
    item: Profile
    time: Profile | None = None
    unit: str = "iso"
    rating: Profile | None = None
    event: Profile | None = None
    duration: Profile | None = None
    liked: Profile | None = None
    event_id: Profile | None = None
    named: int = 0
    unsure: Profile | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: FileOrder | None = None

    @property
    def is_bare(self) -> bool:
        """Whether a row holds nothing but user and item, so that a repeated pair adds nothing."""
        return not any((self.time, self.event_id, self.event, self.rating, self.duration, self.liked))

    @property
    def modes(self) -> tuple[str, ...]:
        """Possible scores of an interaction, the best first."""
        possible = {
            "rating": self.rating is not None,
            "engagement": any(part and part.filled >= 0.5 for part in (self.duration, self.liked)),
            "events": self.event is not None and self.event.distinct > 1,
            "implicit": True,
        }
        return tuple(mode for mode, given in possible.items() if given)

    @property
    def weight(self) -> float:
        """The evidence that these are the main interactions; the more, the likelier."""
        signals = (self.time, self.rating or self.event or self.duration or self.liked)
        often = self.user.repeats >= 2 and self.item.repeats >= 1
        return 2 * self.named + sum(each is not None for each in signals) + often

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        parts = (self.user, self.item, self.time, self.rating, self.event, self.duration, self.liked, self.event_id)
        return tuple(part.name for part in parts if part)

    def swapped(self) -> "Log":
        """Return the log with user and item exchanged."""
        return replace(self, user=self.item, item=self.user)


def guess_log(columns: Sequence[Profile], now: datetime, *, invented: bool, whole: bool) -> Log | None:
    """Guess the columns of interactions; None if no two columns are repeating ids of users and items.

    Args:
        columns: All the file's columns.
        now: The clock: times do not lie beyond.
        invented: Whether the columns' names say nothing.
        whole: Whether the columns are the whole file, so that an id that does not come again never does.
    """
    timely = {column.name: unit for column in columns if (unit := _unit(column, now, invented))}
    # A sample of a file that is sorted by user may show a single one.
    several = [column for column in columns if column.distinct > 1 or not whole]
    ids = [column for column in several if column.could_be_an_id and not column.hint and column.name not in timely]
    pair = _pair(ids, invented)
    if pair is None or not _come_again(*pair[:2], whole):
        return None
    user, item, named = pair
    rest = [column for column in columns if column not in (user, item)]
    times = [column for column in rest if column.name in timely]
    time = next((column for column in times if is_about(column.name, Topic.TIME)), times[0] if times else None)
    others = {
        "user": _also_about(ids, Topic.USER, user),
        "item": _also_about(ids, Topic.ITEM, item),
        "timestamp": tuple(column.name for column in times if column is not time),
    }
    log = Log(user, item, time, timely[time.name] if time else "iso", named=named, others=others)
    return _with_signals(log, [column for column in rest if column is not time], invented)


def _unit(column: Profile, now: datetime, invented: bool) -> str | None:
    named = is_about(column.name, Topic.TIME) or column.kind == Kind.INSTANT
    return time_unit(column, now) if named or invented else None


def _pair(ids: Sequence[Profile], invented: bool) -> tuple[Profile, Profile, int] | None:
    """Return user, item and how many of them are identified by name."""
    if invented:
        return (ids[0], ids[1], 0) if len(ids) > 1 else None
    user, item = (_first_about(ids, topic) for topic in (Topic.USER, Topic.ITEM))
    if user and item:
        return user, item, 2
    others = [column for column in ids if names_an_id(column.name) and not _about_anything(column)]
    # Ids of events that come again name what is attended, such as concerts.
    others += [column for column in ids if head_of(column.name) in _OCCASIONS and column.name not in _OCCASIONS]
    other = next((column for column in others if column.repeats >= 1.5), None)
    if other is None or not (user or item):
        return None
    return (user or other), (item or other), 1


def _first_about(ids: Sequence[Profile], topic: Topic) -> Profile | None:
    """Return the column about a topic: one named an id before others, then single words before texts."""
    about = [column for column in ids if is_about(column.name, topic)]
    # A user's assessment_tag names an assessment, though it is about a tag.
    about = about or [column for column in ids if mentions(column.name, topic) and _is_about_a_name(column)]
    return min(about, key=lambda column: (not names_an_id(column.name), column.spaced > 0.5), default=None)


def _is_about_a_name(column: Profile) -> bool:
    return is_about(column.name, Topic.LABEL) or is_about(column.name, Topic.TITLE) or not _about_anything(column)


def _also_about(ids: Sequence[Profile], topic: Topic, chosen: Profile) -> tuple[str, ...]:
    return tuple(column.name for column in ids if column is not chosen and is_about(column.name, topic))


def _about_anything(column: Profile) -> bool:
    return any(is_about(column.name, topic) for topic in Topic)


def _come_again(user: Profile, item: Profile, whole: bool) -> bool:
    return user.repeats > 1 and item.repeats > 1 if whole else user.repeats > 1 or item.repeats > 1


def _with_signals(log: Log, rest: Sequence[Profile], invented: bool) -> Log:
    """Add the columns that say what an interaction is worth."""
    rating = next((column for column in rest if _is_rating(column, invented)), None)
    liked = next((column for column in rest if _is_liked(column)), None)
    duration = next((column for column in rest if _is_duration(column)), None)
    event = next((column for column in rest if _is_event(column)), None)
    event_id = next((column for column in rest if _is_event_id(column)), None)
    remarks = {role: remark for column in rest for role, remark in [_remark(log, column)] if remark}
    unsure = next((column for column in rest if len(column.forms) > 1 and log.time is None), None)
    log = replace(log, rating=rating, liked=liked, duration=duration, event=event, event_id=event_id)
    return replace(log, unsure=unsure, remarks=remarks)


def _is_rating(column: Profile, invented: bool) -> bool:
    if column.kind not in {Kind.INTEGER, Kind.NUMBER} or column.range is None or column.filled < 0.9:
        return False
    small = 2 <= column.distinct <= 21 and column.range[0] >= 0 and column.range[1] <= 10
    return small if invented else is_about(column.name, Topic.RATING) and column.distinct > 1


def _is_liked(column: Profile) -> bool:
    named = is_about(column.name, Topic.LIKED) or is_about(column.name, Topic.RATING)
    return column.kind == Kind.FLAG and named


def _is_duration(column: Profile) -> bool:
    return mentions(column.name, Topic.DURATION) and column.kind != Kind.INSTANT and not _no_seconds(column)


def _no_seconds(column: Profile) -> str:
    """Return why a column named as a duration does not hold seconds; empty if it does."""
    if column.range is None or column.usual is None:
        return column.hint or "its values are no numbers"
    if not _OTHER_UNITS.isdisjoint(words_of(column.name)):
        return "seconds are read, and its name tells of another unit"
    if column.range[0] < 0 or column.usual[1] > _A_DAY:
        return f"numbers from {column.range[0]:g} to {column.range[1]:g} are no seconds"
    return ""


def _is_event(column: Profile) -> bool:
    fits = column.kind == Kind.TEXT and column.filled >= 0.95 and column.distinct <= _MOST_EVENT_TYPES
    return fits and is_about(column.name, Topic.EVENT) and not names_an_id(column.name)


def _is_event_id(column: Profile) -> bool:
    named = is_about(column.name, Topic.EVENT) and names_an_id(column.name)
    plain = words_of(column.name) in (["id"], ["uuid"], ["log", "id"], ["interaction", "id"])
    return (named or plain) and column.distinct == column.rows and not counts_rows(column)


def counts_rows(column: Profile) -> bool:
    """Return whether a column numbers its file's rows from 0 or 1, so that in the next file numbers repeat."""
    if column.kind not in {Kind.INTEGER, Kind.FLAG} or column.range is None or column.distinct != column.rows:
        return False
    low, high = column.range
    return low in {0, 1} and high - low == column.rows - 1


def _remark(log: Log, column: Profile) -> tuple[str, str]:
    """Return the role that a column's name suggests although its values do not fit, and why they do not."""
    if names_an_id(column.name) and counts_rows(column):
        return "event_id", f"{column.name}: counts the rows of its file, and may begin again in the next one"
    if is_about(column.name, Topic.TIME) and log.time is None:
        counted = column.kind in {Kind.INTEGER, Kind.NUMBER}
        days = 'numbers too small for seconds; days that count from a date need unit = "days" and an origin'
        wrong = column.hint or (days if counted else "not the times of past events")
        return "timestamp", f"{column.name}: {wrong}"
    if is_about(column.name, Topic.RATING) and (column.hint or column.kind == Kind.TEXT):
        return "rating", f"{column.name}: {column.hint or 'its values are no numbers'}"
    if is_about(column.name, Topic.RATING) and column.filled < 0.9:
        return "rating", f"{column.name}: missing in {1 - column.filled:.0%} of the rows"
    if mentions(column.name, Topic.DURATION) and (wrong := _no_seconds(column)):
        return "duration", f"{column.name}: {wrong}"
    return "", ""
