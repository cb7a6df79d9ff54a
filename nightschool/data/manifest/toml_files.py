"""TOML files to validated models, with every fault explained in one line."""

import tomllib
from collections.abc import Mapping
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


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Parse the text of a TOML file.

    Raises:
        ManifestError: It is not valid TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{file} is not valid TOML: {error}", do="correct the file at that place") from None


def checked(model: type[Model], document: Mapping[str, Any], file: str) -> Model:
    """Validate the keys and values of a file as a model.

    Raises:
        ManifestError: A key or value is not valid; the message never repeats the address of a database.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _explained(error, file) from None


def _explained(error: ValidationError, file: str) -> ManifestError:
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
    return ManifestError(f"{file}: {key}", seen=seen, do=do + more)
