"""The syntax of filters: a text as a checked tree of Python's `ast`, every fault with its position.

Filters have their own small syntax on `ast`, in place of CEL (`common-expression-language`, `cel-python`): CEL writes
`&&` and `!`, and evaluates an item at a time. Here the tokens are checked first, then Python parses them, and only the
nodes of comparisons are let through: nothing is called, calculated or looked up. What was measured is in
`docs/decisions/own-filter-syntax.md`.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from keyword import iskeyword
from typing import Final, NamedTuple

from nightschool.errors import ConfigurationError
from serving.filter_columns import ITEM

MOST_CHARACTERS: Final = 1_000
"""The longest filter; it bounds the number of nodes too."""

MOST_BRACKETS: Final = 20
"""Brackets within each other, which bound the depth of the tree."""

_LARGEST: Final = 2.0**63
"""Beyond what integer columns hold."""

_MOST_SHOWN: Final = 60
"""The characters that an error shows of a filter."""

_TOKEN: Final = re.compile(
    r"""(?P<blank>\s+)
    |(?P<text>"(?:[^"\\\n\r\x00\ud800-\udfff]|\\["'\\])*+"|'(?:[^'\\\n\r\x00\ud800-\udfff]|\\["'\\])*+')
    |(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![\w.]))
    |(?P<word>[^\W\d]\w*+(?!["']))
    |(?P<open>[(\[])
    |(?P<close>[)\]])
    |(?P<sign>==|!=|<=|>=|<(?!>)|>|,)""",
    re.VERBOSE,
)
_STRANGE: Final = re.compile(r"&&|\|\||:=|<>|\*\*|//|[\"']|[^\W\d]\w*|[\w.+-]+|.", re.DOTALL)
"""What is shown of a place where no token begins."""

_INSTEAD: Final = {
    **dict.fromkeys(("=", ":="), "write == for equal"),
    **dict.fromkeys(("&&", "&"), "write and"),
    **dict.fromkeys(("||", "|"), "write or"),
    "!": "write not, or != for unequal",
    "<>": "write != for unequal",
    **{word.upper(): f"write {word}" for word in ("and", "or", "not", "in")},
    "`": f'write {ITEM}["column name"]',
    **dict.fromkeys(("'", '"'), "close a text by the quote that opens it; within, only \\\", \\' and \\\\ are escaped"),
}
_PARTS: Final = 'write comparisons such as price < 20 or "python" in skills, joined by and, or, not and brackets'

_WORDS: Final = frozenset({"and", "or", "not", "in", "True", "False", "None"})
"""The keywords of Python that filters know."""

_NODES: Final = (
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.Name, ast.Subscript, ast.Constant, ast.Tuple, ast.List, ast.Load),
)


class FilterFault(ConfigurationError):
    """A text that is no filter, or does not fit the columns.

    Attributes:
        text: The filter as it was written.
        start: Where in the text the fault begins.
        end: Where it ends.
    """

    def __init__(self, text: str, start: int, end: int, what: str, do: str) -> None:
        piece = text[start:end] if end - start <= _MOST_SHOWN else f"{text[start : start + _MOST_SHOWN]}…"
        super().__init__(f"filter, character {start + 1}: {what}", seen=piece or None, do=do)
        self.text, self.start, self.end = text, start, end


class _Token(NamedTuple):
    """A token other than blanks: the name of its group, its characters, and where they begin."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Return where the token ends."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Tree:
    """The tree of a filter.

    Attributes:
        text: The filter as it was written.
        body: The tree; only nodes of comparisons.
        source: What was parsed: the tokens where they stand, with plain blanks between them.
        start: Where it begins in the text.
    """

    text: str
    body: ast.expr
    source: str
    start: int

    def written(self, node: ast.expr) -> str:
        """Return the piece of the text that a node was parsed from."""
        start, end = self._span(node)
        return self.text[start:end]

    def fault(self, node: ast.expr, what: str, do: str) -> FilterFault:
        """Return the error that names a node, its position, and what may be used instead."""
        return FilterFault(self.text, *self._span(node), what, do)

    def _span(self, node: ast.expr) -> tuple[int, int]:
        # Offsets of `ast` count bytes of UTF-8.
        encoded, ends = self.source.encode(), (node.col_offset, node.end_col_offset or 0)
        start, end = (self.start + len(encoded[:offset].decode()) for offset in ends)
        return start, end


def parse_syntax(text: str) -> Tree:
    """Parse a filter without asking what columns there are.

    Raises:
        ConfigurationError: It is not a filter; the message names the position and what may be written instead.
    """
    if len(text) > MOST_CHARACTERS:
        raise FilterFault(text, MOST_CHARACTERS, len(text), "the filter is too long", f"use up to {MOST_CHARACTERS:,}")
    tokens = list(_tokens(text))
    if not tokens:
        raise FilterFault(text, 0, 0, "the filter is empty", _PARTS)
    _check_each(text, tokens)
    _check_neighbours(text, tokens)
    _check_brackets(text, tokens)
    source = _with_plain_blanks(tokens)
    try:
        tree = Tree(text, ast.parse(source, mode="eval").body, source, tokens[0].start)
    except SyntaxError as error:
        raise _misplaced(text, tokens, error) from None
    for node in ast.walk(tree.body):
        if not isinstance(node, _NODES):
            raise _strange_node(tree, node)
    return tree


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            strange = _STRANGE.match(text, place)
            piece = strange.group() if strange else ""
            do = _INSTEAD.get(piece, "put a blank between a word and a text" if piece.isidentifier() else _PARTS)
            raise FilterFault(text, place, place + len(piece), "this is no part of a filter", do)
        if found.lastgroup != "blank":
            yield _Token(found.lastgroup or "", found.group(), place)
        place = found.end()


def _check_each(text: str, tokens: Sequence[_Token]) -> None:
    """Refuse other keywords of Python, and numbers that no column holds."""
    for kind, piece, start in tokens:
        if kind == "word" and iskeyword(piece) and piece not in _WORDS:
            do = "write ==" if piece == "is" else f'write {ITEM}["{piece}"] for a column of this name'
            raise FilterFault(text, start, start + len(piece), "this word is no part of a filter", do)
        if kind == "number" and abs(float(piece)) >= _LARGEST:
            raise FilterFault(text, start, start + len(piece), "the number is too large", "use one of up to 18 digits")


def _check_neighbours(text: str, tokens: Sequence[_Token]) -> None:
    """Refuse what Python would read: values side by side, which are one text, a call or a difference; runs of `not`."""
    for first, second in pairwise(tokens):
        if first.kind in {"text", "number", "close"} and second.kind in {"text", "number", "open"}:
            raise FilterFault(
                text, second.start, second.end, "this does not fit here", "put a comma or a word such as and before it"
            )
        if first.text == second.text == "not":
            raise FilterFault(text, second.start, second.end, "not follows not", "take both out")


def _check_brackets(text: str, tokens: Sequence[_Token]) -> None:
    opened: list[_Token] = []
    for token in tokens:
        if token.kind == "open":
            opened.append(token)
            if len(opened) > MOST_BRACKETS:
                do = f"use up to {MOST_BRACKETS} within each other"
                raise FilterFault(text, token.start, token.end, "there are too many brackets", do)
        elif token.kind == "close" and (not opened or opened.pop().text + token.text not in {"()", "[]"}):
            raise FilterFault(
                text, token.start, token.end, "this bracket closes none", "take it out, or open it before"
            )
    if opened:
        raise FilterFault(text, opened[-1].start, opened[-1].end, "this bracket is not closed", "close it")


def _with_plain_blanks(tokens: Sequence[_Token]) -> str:
    """Return the tokens where they stand from the first one on, with plain blanks between them."""
    pieces, place = [], tokens[0].start
    for token in tokens:
        pieces += [" " * (token.start - place), token.text]
        place = token.end
    return "".join(pieces)


def _misplaced(text: str, tokens: Sequence[_Token], error: SyntaxError) -> FilterFault:
    """Return the error for what Python cannot parse, whose offsets begin with 1 at the first token."""
    start, end = (tokens[0].start + offset - 1 for offset in (error.offset or 0, error.end_offset or 0))
    if not error.offset or start >= tokens[-1].end:
        return FilterFault(text, len(text), len(text), "the filter ends too early", _PARTS)
    return FilterFault(text, start, end, "this does not fit here", _INSTEAD.get(text[start:end], _PARTS))


def _strange_node(tree: Tree, node: ast.AST) -> FilterFault:
    at = node if isinstance(node, ast.expr) else tree.body
    what = {
        ast.Call: "a filter calls nothing",
        ast.BinOp: "a filter calculates nothing",
    }.get(type(node), "this is no part of a filter")
    return tree.fault(at, what, _PARTS)
