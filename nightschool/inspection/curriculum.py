"""Which columns of a catalogue name prerequisites and skills: guessed only where name and values show it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from nightschool.data.normalization.ids import read_ids
from nightschool.data.normalization.parse_values import to_lists, to_text
from nightschool.inspection.looks import Look
from nightschool.inspection.names import words_of
from nightschool.inspection.profiles import MOST, Kind, Profile
from nightschool.inspection.samples import take_sample
from nightschool.inspection.toml_text import Line, Value

_PREREQUISITES: Final = frozenset(("prerequisite", "prerequisites", "prereq", "prereqs", "requires", "predecessors"))
_SKILLS: Final = frozenset(("skill", "skills", "competency", "competencies"))
_SEPARATORS: Final = ("|", ";", ",")


def with_curriculum(lines: Sequence[Line], look: Look, key: Profile) -> list[Line]:
    """Add the keys of prerequisites and skills to those of [items]; ids of other items are no labels.

    Args:
        lines: The keys of [items] so far.
        look: The file of the items.
        key: Its column of ids.
    """
    found = _prerequisites(look, key)
    ids = {line.value for line in found if line.key[-1] == "column"}
    kept = [line for line in lines if line.key[0] not in {"lists", "ordinals"} or line.key[-1] not in ids]
    kept = [_without(line, ids) if line.key == ("categories",) else line for line in kept]
    skills = next((each for each in look.columns if each.kind == Kind.LIST and _is_about(each.name, _SKILLS)), None)
    if skills and skills is not key:
        found += _lines("skills", skills.name, skills.separator, "lists of skills by its name")
    return [line for line in kept if line.value != []] + found


def _prerequisites(look: Look, key: Profile) -> list[Line]:
    """Return the keys of a column of that name whose values are ids of the file's items."""
    named = [column for column in look.columns if column is not key and _is_about(column.name, _PREREQUISITES)]
    if not named:
        return []
    rows = take_sample(look.file).rows
    known = read_ids(to_text(rows[key.name]), pl.String()).values
    for column in named:
        values = rows[column.name]
        separators = (
            ("",) if values.dtype.is_nested() or (column.kind == Kind.LIST and not column.separator) else _SEPARATORS
        )
        shares = {separator: _share_known(to_lists(values, separator), known) for separator in separators}
        separator = max(shares, key=lambda each: shares[each])
        if shares[separator] >= MOST:
            why = f"{shares[separator]:.0%} of its values are ids of {key.name}"
            return _lines("prerequisites", column.name, separator, why)
    return []


def _share_known(lists: pl.Series, known: pl.Series) -> float:
    ids = read_ids(lists.explode(), pl.String()).values.drop_nulls()
    return float(ids.is_in(known.implode()).sum() / len(ids)) if len(ids) else 0.0


def _without(line: Line, names: set[Value]) -> Line:
    listed = line.value if isinstance(line.value, Sequence) else ()
    return replace(line, value=[each for each in listed if isinstance(each, str) and each not in names])


def _lines(key: str, column: str, separator: str, why: str) -> list[Line]:
    return [Line((key, "column"), column, why), *([Line((key, "separator"), separator)] if separator else [])]


def _is_about(name: str, words: frozenset[str]) -> bool:
    return not words.isdisjoint(words_of(name))
