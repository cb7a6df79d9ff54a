"""The outcome of a night, its exit code and the name of its end state, by the error that ended it."""

from dataclasses import dataclass
from typing import Final

from nightschool.errors import (
    Busy,
    ConfigurationError,
    DataRefused,
    GateRefused,
    Held,
    NightschoolError,
    NotFound,
    Unavailable,
)
from nightschool.failures import INTERRUPTED, is_interrupt

ALARMING: Final = frozenset(
    {"data refused", "gate refused", "wrong configuration", "unavailable", "failed", "interrupted", "died"}
)
"""Outcomes that leave old lists in place unexpectedly. A hold is intended, and `busy` leaves it to the other run."""

REFUSED: Final = frozenset({"data refused", "gate refused", "failed"})
"""Outcomes of nights that ran, and published nothing."""


@dataclass(frozen=True)
class Outcome:
    """How a night ended.

    Attributes:
        name: The outcome in the table of nights.
        state: The name of the run's end state in Prefect.
        exit_code: The exit code of the command line.
        reason: The reason, as one line.
    """

    name: str
    state: str
    exit_code: int
    reason: str


_BY_ERROR: Final = (
    (DataRefused, "data refused", "Data refused"),
    (Held, "held", "Gate said no"),
    (GateRefused, "gate refused", "Gate said no"),
    (Busy, "busy", "Busy"),
    (Unavailable, "unavailable", "Unavailable"),
    (ConfigurationError, "wrong configuration", "Wrong configuration"),
    (NotFound, "wrong configuration", "Wrong configuration"),
)

END_STATES: Final = tuple(
    dict.fromkeys(
        ["Completed", "Unchanged", *(state for *_, state in _BY_ERROR), "Failed", "Crashed", "Cancelled", "TimedOut"]
    )
)
"""The names of the states in which a night's flow run ends."""


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome that an error means for the night; unexpected errors are `failed`."""
    if not isinstance(error, Exception) or is_interrupt(error):
        return Outcome("interrupted", "Crashed", INTERRUPTED, f"interrupted by {type(error).__name__}")
    for kind, name, state in _BY_ERROR:
        if isinstance(error, kind):
            return Outcome(name, state, kind.exit_code, _one_line(error))
    if isinstance(error, NightschoolError):
        return Outcome("failed", "Failed", error.exit_code, _one_line(error))
    return Outcome("failed", "Failed", NightschoolError.exit_code, f"{type(error).__name__}: {_one_line(error)}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
