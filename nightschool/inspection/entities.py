"""Which columns of a file say what an item is about, or who a user is."""

from collections.abc import Iterable, Sequence
from typing import Final

from nightschool.columns import ITEM_INDEX, ITEMS, USER_INDEX, USERS, Table
from nightschool.inspection.names import Topic, is_about, mentions, words_of
from nightschool.inspection.profiles import Kind, Profile
from nightschool.inspection.toml_text import Line

_ORDERS: Final = (
    ("beginner", "intermediate", "advanced", "expert"),
    ("introductory", "intermediate", "advanced"),
    ("basic", "intermediate", "advanced"),
    ("very easy", "easy", "medium", "hard", "very hard"),
    ("low", "medium", "high"),
    ("a1", "a2", "b1", "b2", "c1", "c2"),
)
_MOST_LABELS: Final = 100
_MOST_COLUMNS: Final = 8
_A_SENTENCE: Final = 40


def item_lines(key: Profile, columns: Sequence[Profile], *, invented: bool) -> list[Line]:
    """Return the keys of [items] after its files: title, text, categories, ordinals, lists, vectors and flags."""
    rest = _usable(columns, key, ITEMS)
    title = _title([column for column in columns if column is not key], invented)
    texts = [column.name for column in columns if _is_prose(column) and column is not title][: _MOST_COLUMNS // 2]
    lines = []
    if title:
        why = "texts that are nearly all different" if invented else "its name and its texts"
        lines = [Line(("title",), title.name, why), Line(("text",), (title.name, *texts), "whatever holds sentences")]
    elif texts:
        lines = [Line(("text",), texts, "whatever holds sentences")]
    rest = [column for column in rest if column is not title]
    ordered = {column.name: levels for column in rest if (levels := _in_order(column))}
    labels = _first_few(column for column in rest if column.name not in ordered and _is_label(column))
    if labels:
        lines.append(Line(("categories",), labels, f"at most {_MOST_LABELS} labels that come again"))
    lines += [Line(("ordinals", name), levels, "levels, lowest first") for name, levels in ordered.items()]
    lines += _list_lines(rest)
    vectors = [column.name for column in rest if column.kind == Kind.VECTOR and column.filled >= 0.1]
    if vectors:
        lines.append(Line(("vectors",), vectors, "the values are lists of numbers"))
    flags = [column.name for column in rest if column.kind == Kind.FLAG and {*column.levels} <= {"0", "1"}]
    if len(flags) > 2:
        name = "flags" if "flags" not in {column.name for column in columns} else "flag_list"
        lines.append(Line(("flags", name), flags, "columns of 0 and 1, which make one list"))
    return lines


def user_lines(key: Profile, columns: Sequence[Profile]) -> list[Line]:
    """Return the keys of [users] after its files: attributes, the likeliest audience first, and lists."""
    rest = _usable(columns, key, USERS)
    attributes = sorted((column for column in rest if _is_attribute(column)), key=_audience_order)
    lines = []
    if names := _first_few(attributes):
        lines = [Line(("attributes",), names, "labels that many users share; the first is the audience")]
    return lines + _list_lines(rest)


def _usable(columns: Sequence[Profile], key: Profile, table: Table) -> list[Profile]:
    """Return the columns that can become columns of a table: those whose name is not taken there."""
    taken = {*table.columns, USER_INDEX, ITEM_INDEX}
    return [column for column in columns if column.name and column is not key and column.name not in taken]


def _title(columns: Sequence[Profile], invented: bool) -> Profile | None:
    texts = [column for column in columns if column.kind in {Kind.TEXT, Kind.LIST} and not _is_address(column)]
    if invented:
        fitting = [column for column in texts if column.spaced >= 0.3 and column.repeats < 1.3]
        return fitting[0] if fitting else None
    named = [column for column in texts if is_about(column.name, Topic.TITLE) or _names_an_item(column.name)]
    return min(named, key=lambda column: len(words_of(column.name)), default=None)


def _names_an_item(name: str) -> bool:
    return mentions(name, Topic.TITLE) and is_about(name, Topic.ITEM)


def _is_prose(column: Profile) -> bool:
    fits = column.kind == Kind.TEXT and column.spaced >= 0.5 and column.length >= _A_SENTENCE
    return bool(column.name) and fits and column.filled >= 0.2 and not _is_address(column)


def _is_address(column: Profile) -> bool:
    return any(level.startswith(("http://", "https://", "www.")) for level in column.levels[:10])


def _is_label(column: Profile) -> bool:
    often = 1.2 if is_about(column.name, Topic.LABEL) else 2.0
    fits = column.kind == Kind.TEXT and not column.hint and column.length <= _A_SENTENCE and column.filled >= 0.3
    return fits and 2 <= column.distinct <= _MOST_LABELS and column.repeats >= often


def _in_order(column: Profile) -> tuple[str, ...]:
    """Return the column's levels from lowest to highest, if a known order holds them all."""
    levels = {level.casefold(): level for level in column.levels}
    if column.kind != Kind.TEXT or not 2 <= column.distinct == len(levels):
        return ()
    order = next((order for order in _ORDERS if {*levels} <= {*order}), ())
    return tuple(levels[level] for level in order if level in levels)


def _list_lines(columns: Sequence[Profile]) -> list[Line]:
    lists = [column for column in columns if column.kind == Kind.LIST and column.filled >= 0.1]
    return [
        Line(("lists", column.name), column.separator, f"{column.separator!r} separates labels that come again")
        if column.separator
        else Line(("lists", column.name), "", "the values are lists")
        for column in lists
    ]


def _is_attribute(column: Profile) -> bool:
    if column.hint or not 2 <= column.distinct <= _MOST_LABELS or column.filled < 0.3:
        return False
    numbered = column.kind in {Kind.INTEGER, Kind.FLAG} and column.distinct <= 30 and column.repeats >= 10
    often = 1.2 if is_about(column.name, Topic.ATTRIBUTE) else 2.0
    return numbered or (column.kind == Kind.TEXT and column.length <= _A_SENTENCE and column.repeats >= often)


def _audience_order(column: Profile) -> tuple[bool, bool, bool]:
    """Return the sort key of an attribute: words before numbers, known attributes and few groups first."""
    return column.kind != Kind.TEXT, not mentions(column.name, Topic.ATTRIBUTE), column.distinct > 30


def _first_few(columns: Iterable[Profile]) -> list[str]:
    return [column.name for column in columns][:_MOST_COLUMNS]
