"""Filters against a plain evaluation an item at a time, and texts of all kinds."""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st

from nightschool.errors import ConfigurationError
from serving.filter_columns import quoted
from serving.filter_syntax import MOST_BRACKETS, MOST_CHARACTERS
from serving.filtered_items import FilteredItems
from tests.serving.test_filters import DESCRIBED, LEVELS, SCHEMA

Truth = bool | None
Row = Mapping[str, Any]
Written = tuple[str, Callable[[Row], Truth]]
"""A filter, and what it says of an item."""

COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMBERS = st.integers(-3, 3) | st.sampled_from([-1.5, 0.5, 2.0])
WORDS = st.sampled_from(["a", "b", 'it\'s "ä"\\', ""])
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 4)).map(lambda time: time.replace(tzinfo=UTC))
VALUES = {
    "item_id": (NUMBERS, str),
    "price": (NUMBERS, str),
    "list price": (NUMBERS, str),
    "category": (WORDS, quoted),
    "difficulty": (st.sampled_from(LEVELS), quoted),
    "until": (TIMES, lambda time: quoted(time.isoformat())),
}
"""Column to the values that it is compared with, and how those are written."""

NAMES = {name: f'item["{name}"]' if " " in name else name for name in SCHEMA}


def ranked(name: str, value: Any) -> Any:
    return LEVELS.index(value) if name == "difficulty" and value is not None else value


@st.composite
def comparisons(draw: st.DrawFn) -> Written:
    name = draw(st.sampled_from(sorted(VALUES)))
    values, write = VALUES[name]
    first, second = draw(values), draw(values)
    before, after = draw(st.sampled_from(sorted(COMPARISONS))), draw(st.sampled_from(sorted(COMPARISONS)))

    def says(row: Row) -> Truth:
        value = ranked(name, row[name])
        if value is None:
            return None
        left = COMPARISONS[before](ranked(name, first), value)
        return bool(left and COMPARISONS[after](value, ranked(name, second)))

    return f"{write(first)} {before} {NAMES[name]} {after} {write(second)}", says


@st.composite
def memberships(draw: st.DrawFn) -> Written:
    name = draw(st.sampled_from(sorted(VALUES)))
    values, write = VALUES[name]
    listed = draw(st.lists(values, max_size=3))
    text = f"{NAMES[name]} in [{', '.join(map(write, listed))}]"
    return text, lambda row: None if row[name] is None else row[name] in listed


@st.composite
def lists(draw: st.DrawFn) -> Written:
    word = draw(WORDS)
    return f"{quoted(word)} in skills", lambda row: word in (row["skills"] or [])


@st.composite
def missing(draw: st.DrawFn) -> Written:
    name = draw(st.sampled_from(SCHEMA.names()))
    return f"{NAMES[name]} == null", lambda row: row[name] is None or row[name] == []


FLAGS: st.SearchStrategy[Written] = st.just(("free", lambda row: row["free"]))
PAIRS: st.SearchStrategy[Written] = st.just(
    (
        'price < item["list price"]',
        lambda row: None if None in (row["price"], row["list price"]) else row["price"] < row["list price"],
    )
)


def negated(part: Written) -> Written:
    text, says = part
    return f"not ({text})", lambda row: None if (said := says(row)) is None else not said


def joined(word: str, parts: list[Written]) -> Written:
    decides = word == "or"

    def says(row: Row) -> Truth:
        said = [each(row) for _, each in parts]
        return decides if decides in said else None if None in said else not decides

    return f" {word} ".join(f"({text})" for text, _ in parts), says


def extended(parts: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.builds(negated, parts) | st.builds(joined, st.sampled_from(["and", "or"]), several)


WRITTEN = st.recursive(comparisons() | memberships() | lists() | missing() | FLAGS | PAIRS, extended, max_leaves=6)
ROWS = st.fixed_dictionaries(
    {
        **{name: st.none() | values for name, (values, _) in VALUES.items()},
        "item_id": st.integers(-3, 3),
        "price": st.none() | st.integers(-3, 3).map(float),
        "list price": st.none() | st.integers(-3, 3).map(float),
        "depth": st.none() | st.sampled_from(LEVELS),
        "skills": st.none() | st.lists(WORDS, max_size=2),
        "sizes": st.none() | st.just([1.0]),
        "free": st.none() | st.booleans(),
    }
)


@given(WRITTEN, st.lists(ROWS, min_size=1, max_size=8))
def test_filters_keep_what_a_plain_evaluation_of_each_item_keeps(written: Written, rows: list[dict[str, Any]]) -> None:
    text, says = written
    assume(len(text) <= MOST_CHARACTERS)
    assume(text.count("(") < MOST_BRACKETS)
    items = FilteredItems(pl.DataFrame(rows, SCHEMA), DESCRIBED)
    assert items.matching(text).tolist() == [says(row) is True for row in rows]


FILTERED = FilteredItems(pl.DataFrame([dict.fromkeys(SCHEMA)], SCHEMA), DESCRIBED)
TOKENS = [*NAMES.values(), "1", "-2.5", '"Data"', "'Beginner'", '"2026-01-01"', "true", "null", "(", ")", "[", "]", ","]
TOKENS += [*COMPARISONS, "in", "not in", "not", "and", "or", "xyz", "len(skills)", "."]


@given(st.lists(st.sampled_from(TOKENS), max_size=14).map(" ".join) | st.text(max_size=40))
def test_a_text_is_evaluated_or_refused_with_its_position(text: str) -> None:
    try:
        mask = FILTERED.matching(text)
    except ConfigurationError as refusal:
        refused = str(refusal)
    else:
        refused = None
        assert mask.shape == (1,)
    assert refused is None or refused.startswith("filter, character ")
