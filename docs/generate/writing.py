"""Writing Markdown: tables, and docstrings in Google style."""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Final

_SECTIONS: Final = re.compile(
    r"^(Args|Attributes|Examples?|Formula|Good for|Memory|Raises|References?|Refuses|Returns|Yields):\s*$"
)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; `|` and line ends inside a cell are escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines) + "\n"


def code(text: object) -> str:
    """Return the text as a code span, or nothing for an empty text."""
    return f"`{text}`" if str(text) else ""


def docstring(documented: object) -> str:
    """Return the docstring of a class or function as Markdown, its sections as bold headings.

    Raises:
        ValueError: There is no docstring of its own.
    """
    text = getattr(documented, "__doc__", None)
    if not text:
        raise ValueError(f"{documented!r} has no docstring; write one")
    return from_google(inspect.cleandoc(text))


def first_line(documented: object) -> str:
    """Return the first line of a docstring."""
    return docstring(documented).partition("\n")[0]


def attributes_of(documented: object) -> dict[str, str]:
    """Return name to meaning of what the `Attributes:` of a docstring name."""
    text = inspect.cleandoc(getattr(documented, "__doc__", None) or "")
    section = re.search(r"^Attributes:\n((?: .*\n?|\n)*)", text, re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section[1] if section else "", re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in entries}


def from_google(text: str) -> str:
    """Return a docstring in Google style as Markdown.

    Doctest examples become code blocks, `Args:` and the like bold headings, and a section's entries list items.
    """
    lines, section = [], ""
    for line in text.splitlines():
        if found := _SECTIONS.match(line):
            section = found[1]
            lines += ["", f"**{section}**", ""]
            continue
        if section and line and not line.startswith(" "):
            section = ""
            lines.append("")
        lines.append(_in_section(section, line))
    return _fenced(_without_tags("\n".join(lines)))


def _in_section(section: str, line: str) -> str:
    entry = line.removeprefix("    ")
    if section in {"Args", "Attributes", "Raises"} and (found := re.match(r"(\*{0,2}\w+)(?: \(.*?\))?: (.*)", entry)):
        return f"- `{found[1]}`: {found[2]}"
    return entry.strip() if section in {"Args", "Attributes", "Raises"} else entry


def _without_tags(text: str) -> str:
    """Escape `<` outside code, where it would begin a tag."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


def _fenced(text: str) -> str:
    """Put a fence around each block of doctest lines, which ends with an empty line."""
    return re.sub(r"(?m)^ *>>> .*(?:\n *\S.*)*", lambda found: f"```pycon\n{_dedented(found[0])}\n```", text)


def _dedented(block: str) -> str:
    margin = len(block) - len(block.lstrip())
    return "\n".join(line[margin:] for line in block.splitlines())


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ").strip()
