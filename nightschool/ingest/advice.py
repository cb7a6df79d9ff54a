"""Advice on correcting a file with too many bad rows, by the most frequent fault."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from nightschool.data.readers.parsing import LONE_QUOTE

MANGLED_ID: Final = "mangled_id"
ROUNDED: Final = "format the column as text before you save, or export it again"
_CHECK: Final = "check the manifest against the files"
_ADVICE: Final[Mapping[str, str]] = {
    LONE_QUOTE: 'say quote = "none" in its format',
    MANGLED_ID: ROUNDED,
    "bad_json": "each line must be one JSON object",
    "bad_timestamp": "timestamp.unit or timestamp.format says how times are written",
    "prerequisite_cycle": "no item may lead back to itself by its prerequisites; quarantine list names each cycle",
    "rating_out_of_range": "correct the scale, or list numbers that stand for no rating in rating.missing",
    "unknown_event": "give each such type a number in [event_weights]",
    "unknown_item": "the files of [items] must hold every item, by the same ids",
    "unknown_user": "the files of [users] must hold every user; with fold_case = true case does not count",
    "wrong_field_count": "look at the separator, and for one too many at the ends of its lines",
    "wrong_time_unit": "correct timestamp.unit",
}
_A_COMMA: Final = re.compile(r"\s*[-+]?\d+(?:\.\d{3})*,\d+\s*")


def advise(reasons: Sequence[str], values: Sequence[str]) -> str:
    """Return what to do.

    Args:
        reasons: The codes of the faults, the most frequent first.
        values: Some of the values that broke a rule.
    """
    most = reasons[0] if reasons else ""
    if most.startswith("bad_") and any(_A_COMMA.fullmatch(value) for value in values):
        return f'{_CHECK}: numbers with a comma need decimal = "," in its format'
    return f"{_CHECK}: {_ADVICE[most]}" if most in _ADVICE else _CHECK


def shown(value: str) -> str:
    """Shorten a value for messages, and cut the name from e-mail addresses."""
    return re.sub(r"[^\s@]+@", "…@", value)[:40]
