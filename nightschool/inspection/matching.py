"""Which files describe the users and the items of the interactions: those whose ids join."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import polars as pl

from nightschool.data.normalization.parse_values import to_text
from nightschool.errors import DataRefused
from nightschool.inspection.candidates import Candidate
from nightschool.inspection.curriculum import with_curriculum
from nightschool.inspection.entities import item_lines, user_lines
from nightschool.inspection.joins import shares_known
from nightschool.inspection.logs import Log
from nightschool.inspection.looks import Family
from nightschool.inspection.names import Topic, is_about, mentions
from nightschool.inspection.profiles import Profile
from nightschool.inspection.samples import take_sample
from nightschool.inspection.toml_text import Line

_JOINED: Final = 0.9
"""Share of the interactions whose id a file must hold: the rows about others go to quarantine."""

_UNIQUE: Final = 0.9
_FOR: Final = 1.5
_AGAINST: Final = -2.5
_OTHER: Final = {Topic.USER: Topic.ITEM, Topic.ITEM: Topic.USER}


@dataclass(frozen=True)
class Entity:
    """Files that describe users or items.

    Attributes:
        family: The files.
        key: The column of the ids.
        lines: The manifest's keys for the other columns.
        why: The evidence for it.
        score: The strength of the evidence.
    """

    family: Family
    key: Profile
    lines: Sequence[Line]
    why: str
    score: float


@dataclass(frozen=True)
class Match:
    """The interactions with what describes their users and items.

    Attributes:
        log: The interactions' columns; user and item may have changed places.
        users: The users; None where no file describes them.
        items: The items; None where no file describes them.
        reasons: Files to why they are neither, so far as they are not.
        alike: Share of the rows whose user and item another row has, where nothing else distinguishes them.
    """

    log: Log
    users: Entity | None
    items: Entity | None
    reasons: Sequence[tuple[Family, str]]
    alike: float = 0.0

    @property
    def score(self) -> float:
        """The strength of the evidence for users and items together."""
        return sum(entity.score for entity in (self.users, self.items) if entity)


@dataclass(frozen=True)
class _Joined:
    """Files and those of their columns that hold the ids of the interactions.

    Attributes:
        shares: Column of the interactions, and the files' column that holds its ids, to how much of them.
        reason: Why there are no such columns; empty where there are.
    """

    family: Family
    shares: Mapping[tuple[str, Profile], float]
    reason: str = ""


def match_entities(candidate: Candidate, others: Sequence[Family]) -> Match:
    """Find the files of users and of items that fit the interactions best.

    Where the interactions do not name their columns, the ids that join also tell which column is which.
    """
    first, log = candidate.family.first, candidate.log
    rows = take_sample(first.file).rows
    wanted = {part.name: to_text(rows[part.name]) for part in (log.user, log.item)}
    joined = [each for family in others for each in _join(wanted, family)]
    matches = [_matched(log, joined), *([_matched(log.swapped(), joined)] if first.invented else [])]
    best = max(matches, key=lambda match: match.score)
    distinct = rows.n_unique([log.user.name, log.item.name]) / rows.height if log.is_bare else 1.0
    return replace(best, alike=1.0 - distinct)


def _join(wanted: Mapping[str, pl.Series], family: Family) -> list[_Joined]:
    family, lacking = family.parted()
    reason = f"has not all columns of {family.name}"
    apart = [_Joined(Family((look,)), {}, reason) for look in lacking]
    keys = {column.name: column for column in family.first.columns if _is_key(column)}
    if not keys:
        return [_Joined(family, {}, "no column holds ids that are all different"), *apart]
    try:
        shares = shares_known(wanted, family.files, family.first.format, [*keys])
    except DataRefused as error:
        return [_Joined(family, {}, str(error)), *apart]
    known = {(part, keys[key]): share for (part, key), share in shares.items() if share >= _JOINED}
    part, key = max(shares, key=lambda each: shares[each])
    most = f"{key} holds those of {shares[part, key]:.0%} of the interactions ({part})"
    return [_Joined(family, known, "" if known else f"its ids do not join: {most}"), *apart]


def _matched(log: Log, joined: Sequence[_Joined]) -> Match:
    users, items = (_entities(topic, part, joined) for topic, part in ((Topic.USER, log.user), (Topic.ITEM, log.item)))
    pairs = product([None, *users], [None, *items])
    apart = [pair for pair in pairs if not (pair[0] and pair[1] and pair[0].family.first is pair[1].family.first)]
    best = max(apart, key=lambda pair: sum(entity.score for entity in pair if entity))
    known = [entity.family for entity in (*users, *items)]
    why = {True: "its ids join, but other files say more", False: "it holds ids and nothing that describes them"}
    return Match(log, *best, [(each.family, each.reason or why[each.family in known]) for each in joined])


def _entities(topic: Topic, part: Profile, joined: Sequence[_Joined]) -> list[Entity]:
    """Return the files that could describe what a column of the interactions names, each once."""
    found = []
    for each in joined:
        keys = [(key, share) for (column, key), share in each.shares.items() if column == part.name]
        entities = [_entity(topic, part, each.family, key, share) for key, share in keys]
        useful = [entity for entity in entities if entity.lines and entity.score > 0]
        found += sorted(useful, key=lambda entity: entity.score)[-1:]
    return found


def _is_key(column: Profile) -> bool:
    return column.could_be_an_id and column.distinct >= _UNIQUE * column.rows * column.filled and column.filled > 0.98


def _entity(topic: Topic, part: Profile, family: Family, key: Profile, share: float) -> Entity:
    columns, invented = family.first.columns, family.first.invented
    if topic is Topic.USER:
        lines = user_lines(key, columns)
    else:
        lines = with_curriculum(item_lines(key, columns, invented=invented), family.first, key)
    as_many = min(key.distinct, part.distinct) / max(key.distinct, part.distinct)
    names = _score_file_name(family.name, topic) + (0.0 if invented else _score_key_name(key, part, topic))
    again = 1 - key.distinct / (key.rows * key.filled)
    why = f"{key.name} holds the {topic}s of {share:.0%} of the interactions"
    why += f"; {again:.0%} of its rows repeat an id and will be quarantined" if again > 0.005 else ""
    return Entity(family, key, lines, why, share + as_many + names + 0.1 * min(_n_described(lines), 10))


def _score_file_name(file: str, topic: Topic) -> float:
    """Score how much a file's name suggests a topic, or the opposite one."""
    mine, other = mentions(file, topic), mentions(file, _OTHER[topic])
    return 0.0 if mine == other else _FOR if mine else _AGAINST


def _score_key_name(key: Profile, part: Profile, topic: Topic) -> float:
    about = _FOR if is_about(key.name, topic) else _AGAINST if is_about(key.name, _OTHER[topic]) else 0.0
    return about + 2.0 * (key.name == part.name)


def _n_described(lines: Sequence[Line]) -> int:
    """Count the columns that the lines read, texts once per key."""
    return sum(len(line.texts) for line in lines)
