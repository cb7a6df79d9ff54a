"""Parsing one external id that a person or a request names."""

import re
from typing import Final

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1


def parse_id(text: str, kind: str) -> int | str | None:
    """Return the id that a text names, or None if it can be no id of the home.

    A whole number is written as the sources write it: `7`, not `007`, `+7`, `7.0` or `1_4`.

    Args:
        text: What was given.
        kind: The dtype of the home's ids: `Int64` or `String`.
    """
    if kind == "String":
        return text if is_storable(text) else None
    if _WHOLE.fullmatch(text) and _SMALLEST <= int(text) <= _LARGEST:
        return int(text)
    return None


def is_storable(text: str) -> bool:
    """Return whether tables and databases keep the text as it is: no zero byte, no half of a surrogate pair."""
    return "\0" not in text and text.encode(errors="ignore").decode() == text
