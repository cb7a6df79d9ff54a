"""Parsing of one external id that a command or a request names."""

import re
from typing import Final

from nightschool.errors import NotFound

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1
_SHOWN: Final = 100


def parse_id(text: str, kind: str) -> int | str | None:
    """Return the id that a text names, or None if it can be no id of the home.

    A whole number is written as the sources write it: `7`, not `007`, `+7`, `7.0` or `1_4`.

    Args:
        text: The id as it was given.
        kind: The dtype of the home's ids: `Int64` or `String`.
    """
    if kind == "String":
        return text if is_storable(text) else None
    if _WHOLE.fullmatch(text) and _SMALLEST <= int(text) <= _LARGEST:
        return int(text)
    return None


def require_id(text: str, kind: str, entity: str) -> int | str:
    """Return the id that a text names.

    Args:
        text: The id as it was given.
        kind: The dtype of the home's ids: `Int64` or `String`.
        entity: `user` or `item`, for the message.

    Raises:
        NotFound: It can be no id of the home.
    """
    found = parse_id(text, kind)
    if found is None:
        ids = "texts in Unicode" if kind == "String" else "whole numbers of at most 64 bits"
        do = "give one as the sources write it"
        raise NotFound(f"{entity.capitalize()} ids in this home are {ids}", seen=ascii(text[:_SHOWN])[1:-1], do=do)
    return found


def is_storable(text: str) -> bool:
    """Return whether tables and databases keep the text as it is: no zero byte, no half of a surrogate pair."""
    return "\0" not in text and text.encode(errors="ignore").decode() == text
