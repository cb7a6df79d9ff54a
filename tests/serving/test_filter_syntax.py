"""What is a filter and what is not: every refusal names the character at which it begins."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.errors import ConfigurationError
from serving.filter_syntax import MOST_BRACKETS, MOST_CHARACTERS, FilterFault, parse_syntax

PIECES = [
    *("price", "skills", "ünï", "item", "and", "or", "not", "in", "is", "lambda", "if", "else", "for", "await", "true"),
    *('"a"', "'b'", '"', "'", "\\", "1", "-1", "1e999", "007", "0x1", "1_0", "1j", "9" * 30, "...", "null", "AND"),
    *("==", "!=", "<", "<=", "=", ":=", "<>", "&&", "!", "-", "--", "+", "*", "**", "~", "%", "@", "->", ":", ";"),
    *("(", ")", "[", "]", "{", "}", ",", ".", "`", "#", "\n", "\t", "\r", "\x00", "\x0c", "\ufeff", "\u2028", "\ud800"),
    *("f", "rb", "__import__", "__class__", "print", "eval"),
]


def seen(text: str) -> tuple[int, str]:
    """The position that a refusal names, and the rest of it."""
    with pytest.raises(ConfigurationError) as refused:
        parse_syntax(text)
    found = re.fullmatch(r"filter, character (\d+): (.+)", str(refused.value), re.DOTALL)
    assert found
    return int(found[1]), found[2]


@pytest.mark.parametrize(
    "text",
    [
        'difficulty <= "Intermediate" and "python" in skills and price < 20',
        "10 <= price < 20",
        'not (category in ("a", "b") or free)',
        'item["list price"] == -2.5e3',
        "price == null or active != False",
        """category == 'it\\'s "so"' """,
        "\n  price\u00a0<\n\t20\n",
        " or ".join(["price < 1"] * 60),
        "(" * MOST_BRACKETS + "free" + ")" * MOST_BRACKETS,
    ],
)
def test_filters_are_read(text: str) -> None:
    assert parse_syntax(text).text == text


@pytest.mark.parametrize(
    ("text", "character", "message"),
    [
        ("", 1, "the filter is empty"),
        (" \n", 1, "the filter is empty"),
        ("price < 20 and", 15, "the filter ends too early"),
        ("price <", 8, "the filter ends too early"),
        ("(price < 20", 1, "this bracket is not closed; saw '('"),
        ("price) < 20", 6, "this bracket closes none"),
        ("category in ('a']", 17, "this bracket closes none"),
        ('price < 20 "python" in skills', 12, """this does not fit here; saw '"python"'"""),
        ("price < 20 AND free", 12, "this does not fit here; saw 'AND'; write and"),
        ("price = 20", 7, "this is no part of a filter; saw '='; write =="),
        ("free && cheap", 6, "this is no part of a filter; saw '&&'; write and"),
        ("free || cheap", 6, "this is no part of a filter; saw '||'; write or"),
        ("!free", 1, "this is no part of a filter; saw '!'; write not"),
        ("price <> 20", 7, "this is no part of a filter; saw '<>'; write !="),
        ("`list price` < 20", 1, """this is no part of a filter; saw '`'; write item["column name"]"""),
        ("price is null", 7, "this word is no part of a filter; saw 'is'; write =="),
        ("class == 'a'", 1, """this word is no part of a filter; saw 'class'; write item["class"]"""),
        ("category == 'a' 'b'", 17, "this does not fit here; saw \"'b'\"; put a comma"),
        ('category == "open', 13, "close a text by the quote that opens it"),
        (r'category == "\d"', 13, "close a text by the quote that opens it"),
        ("price < 007", 9, "this is no part of a filter; saw '007'"),
        ("price < 0x10", 9, "this is no part of a filter; saw '0x10'"),
        ("price < 1e999", 9, "the number is too large"),
        (f"price < {'9' * 900}", 9, "the number is too large"),
        ("ünï < 1 = 2", 9, "this is no part of a filter; saw '='"),
        ("ünï < ünï ünï", 11, "this does not fit here; saw 'ünï'"),
    ],
)
def test_a_refusal_names_the_character(text: str, character: int, message: str) -> None:
    where, what = seen(text)
    assert where == character
    assert message in what


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("__import__('os').system('true')", 17),
        ("__import__('os')", 1),
        ("price.__class__", 6),
        ("().__class__", 3),
        ("free and len(skills) < 2", 10),
        ("lambda: 0", 7),
        ("lambda", 1),
        ("[x for x in skills]", 4),
        ("{price}", 1),
        ("{**item}", 1),
        ("f'{price}' == category", 1),
        ("b'a' == category", 1),
        ("r'a' == category", 1),
        ("'''a''' == category", 3),
        ("(price := 3) < 4", 8),
        ("*skills", 1),
        ("price + 1 < 3", 7),
        ("price - 1 < 3", 7),
        ("price -1 < 3", 1),
        ("price ** 9 < 3", 7),
        ("price < -----1", 9),
        ("-price < 1", 1),
        ("~price < 1", 1),
        ("price if free else 1", 7),
        ("await price", 1),
        ("item[0:1]", 7),
        ("price" + "()" * 490, 8),
        ("price" + "[1]" * 300, 9),
        ("price < 1" + " -1" * 300, 11),
        ("category in'a'", 10),
        ("price < 1; free", 10),
        ("free # or not", 6),
        ("free \\\n and cheap", 6),
        ("price < 1j", 9),
        ("... == price", 1),
        ("free\x00", 5),
        ("free\ud800", 5),
        ("category == '\ud800'", 13),
        ("(" * 400 + "free" + ")" * 399, MOST_BRACKETS + 1),
        ("not " * 249 + "free", 5),
        ("[" * 900, MOST_BRACKETS + 1),
        ("a" * (MOST_CHARACTERS + 1), MOST_CHARACTERS + 1),
        ("free or " * 10_000 + "free", MOST_CHARACTERS + 1),
    ],
)
def test_nothing_but_comparisons_is_let_through(text: str, character: int) -> None:
    assert seen(text)[0] == character


def test_what_is_written_is_found_again_among_letters_of_several_bytes() -> None:
    tree = parse_syntax('  "日本" in ünï')
    assert isinstance(tree.body, ast.Compare)
    assert [tree.written(node) for node in (tree.body.left, tree.body.comparators[0])] == ['"日本"', "ünï"]
    assert str(tree.fault(tree.body.comparators[0], "odd", "go")) == "filter, character 11: odd; saw 'ünï'; go"


def test_a_fault_knows_its_place_in_the_text() -> None:
    text = "  price < 20 && level == 'x'"
    with pytest.raises(FilterFault) as refused:
        parse_syntax(text)
    assert (refused.value.text, text[refused.value.start : refused.value.end]) == (text, "&&")


def test_a_long_piece_is_cut_in_the_message() -> None:
    tree = parse_syntax(f"category == '{'x' * 900}'")
    assert isinstance(tree.body, ast.Compare)
    assert len(str(tree.fault(tree.body.comparators[0], "odd", "go"))) < 110


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)
    | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
)
def test_no_text_raises_anything_else(text: str) -> None:
    where = 1
    try:
        parse_syntax(text)
    except ConfigurationError as refusal:
        found = re.match(r"filter, character (\d+): ", str(refusal))
        where = int(found[1]) if found else 0
    assert 1 <= where <= len(text) + 1
