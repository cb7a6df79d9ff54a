"""TOML files to validated models, with every fault explained in one line."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from nightschool.errors import ManifestError

Model = TypeVar("Model", bound=BaseModel)

_TO_DO: Final = {
    "extra_forbidden": "no section has this key; remove it or correct its name",
    "missing": "the key is missing; add it",
    "union_tag_not_found": 'say its kind, such as kind = "csv"',
}
_UNTOLD: Final = "uri"
_HEADER: Final = re.compile(r"\s*\[{1,2}\s*([^]\s]+)\s*\]")
_KEY: Final = re.compile(r"\s*([^\s=#\[]+)\s*=")


def read_text(path: Path) -> str:
    """Read the text of a file.

    Raises:
        ManifestError: It is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8", seen=f"byte {error.start}", do="save it as UTF-8") from None


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Parse the text of a TOML file.

    Raises:
        ManifestError: It is not valid TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{file} is not valid TOML: {error}", do="correct the file at that place") from None


def checked(model: type[Model], document: Mapping[str, Any], file: str, text: str = "") -> Model:
    """Validate the keys and values of a file as a model.

    Args:
        model: What the file should hold.
        document: What was parsed.
        file: The file's name.
        text: The file's text, in which the line of a fault is looked for; empty: no line is told.

    Raises:
        ManifestError: A key or value is not valid; the message never repeats the address of a database.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _explained(error, file, text) from None


def line_of(text: str, place: Sequence[str]) -> int | None:
    """Return the line, from 1, at which the key of a value is set; that of its table where the key is not there.

    Args:
        text: The text of a TOML file.
        place: The names that lead to the value, those of tables first.
    """
    table, best, line = list[str](), 0, None
    for number, row in enumerate(text.splitlines(), start=1):
        header, key = _HEADER.match(row), _KEY.match(row)
        if header:
            table = _names(header[1])
        here = table if header else [*table, *_names(key[1])] if key else []
        if best < len(here) <= len(place) and here == list(place[: len(here)]):
            best, line = len(here), number
    return line


def _names(dotted: str) -> list[str]:
    return [name.strip("\"'") for name in dotted.split(".")]


def _explained(error: ValidationError, file: str, text: str) -> ManifestError:
    first, *others = error.errors()
    # The place of the first or only [interactions] would only puzzle where there is one.
    place = [part for at, part in enumerate(first["loc"]) if (at, part) != (1, 0)]
    key = ".".join(str(part) for part in place) or "the manifest"
    do = _TO_DO.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "union_tag_invalid":
        do = f"kind {first['ctx']['tag']!r} is not known; give one of {first['ctx']['expected_tags']}"
    more = f" (and {len(others)} more)" if others else ""
    # The value of an unknown key says nothing, but may be a password.
    secret = first["type"] == "extra_forbidden" or _UNTOLD in place
    # A mapping is the whole section around the fault: naming it again would only bury the key.
    seen = None if secret or isinstance(first["input"], Mapping) else first["input"]
    names = [part for part in first["loc"] if isinstance(part, str)]
    # A model may hold the whole file in one field, whose name the file does not have.
    line = line_of(text, names) or line_of(text, names[1:])
    where = file if line is None else f"{file}, line {line}"
    return ManifestError(f"{where}: {key}", seen=seen, do=do + more)
