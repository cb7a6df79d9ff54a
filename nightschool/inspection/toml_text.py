"""A manifest in the making: keys with their values, each guess with its reason, written as TOML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_COMMENT: Final = 300
_LONGEST_LIST: Final = 90
_SHORT_ESCAPES: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}

Value = str | bool | int | float | Sequence[str] | Sequence[float]


@dataclass(frozen=True)
class Line:
    """One key of a section.

    Attributes:
        key: The key, or a path of keys below the section.
        value: What it is set to.
        why: Why it was guessed so; empty where it was not guessed.
        only_offered: Whether it is an alternative, written as a comment.
    """

    key: tuple[str, ...]
    value: Value
    why: str = ""
    only_offered: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text in it that may be a column: in its value, and after the first part of its key."""
        if isinstance(self.value, str):
            return (*self.key[1:], self.value)
        listed = self.value if isinstance(self.value, Sequence) else ()
        return (*self.key[1:], *(each for each in listed if isinstance(each, str)))


@dataclass(frozen=True)
class Section:
    """One table of the file, or the keys before the first.

    Attributes:
        name: Its header; empty for the keys before the first.
        lines: Its keys.
        remarks: Comments that follow the keys.
        only_offered: Whether all of it is an alternative, written as a comment.
    """

    name: str
    lines: Sequence[Line]
    remarks: Sequence[str] = ()
    only_offered: bool = False


def to_toml(sections: Sequence[Section], opening: Sequence[str], closing: Sequence[str]) -> str:
    """Write the text of the manifest, with comments before and after."""
    blocks = [_comments(opening) + _written(sections[0]), *map(_written, sections[1:])]
    if closing:
        blocks.append(_comments(closing))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def printable(text: str) -> str:
    """Escape everything in a text that a terminal or a TOML comment could interpret, line ends included."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def quoted(text: str) -> str:
    """Return the text as a TOML string."""
    return '"' + "".join(f"\\{letter}" if letter in '"\\' else printable(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[letter]
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def _written(section: Section) -> list[str]:
    lines = [f"[{section.name}]"] if section.name else []
    for line in section.lines:
        lines += _offered(_setting(line)) if line.only_offered else _setting(line)
    lines = _offered(lines) if section.only_offered else lines
    return [*lines, *_comments(section.remarks)]


def _setting(line: Line) -> list[str]:
    why = f"  # {'or' if line.only_offered else 'guess'}: {_comment(line.why)}" if line.why else ""
    return f"{'.'.join(map(_key, line.key))} = {_value(line.value)}{why}".split("\n")


def _offered(lines: Sequence[str]) -> list[str]:
    return [f"# {line}" for line in lines]


def _comments(texts: Sequence[str]) -> list[str]:
    return [f"# {_comment(text)}" for text in texts]


def _comment(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST_COMMENT else f"{text[:_LONGEST_COMMENT]}…"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else quoted(name)


def _value(value: Value) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(int(value)) if value == int(value) else repr(value)
    written = [_value(each) for each in value]
    flat = ", ".join(written)
    return f"[{flat}]" if len(flat) <= _LONGEST_LIST else f"[{_wrapped(written)}\n]"


def _wrapped(written: Sequence[str]) -> str:
    """Wrap the values over several lines, each of which begins with a line end."""
    rows = [""]
    for text in written:
        if len(rows[-1]) + len(text) > _LONGEST_LIST:
            rows.append("")
        rows[-1] += f" {text}," if rows[-1] else f"    {text},"
    return "".join(f"\n{row}" for row in rows)
