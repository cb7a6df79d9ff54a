import pytest

from nightschool.errors import (
    Busy,
    ConfigurationError,
    DataRefused,
    GateRefused,
    Held,
    ManifestError,
    NightschoolError,
    NotFound,
    Unreachable,
)
from nightschool.night.outcome import ALARMING, outcome_of


@pytest.mark.parametrize(
    ("error", "name", "state", "code"),
    [
        (DataRefused("x"), "data refused", "Data refused", 3),
        (GateRefused("x"), "gate refused", "Gate said no", 4),
        (Held("x"), "held", "Gate said no", 4),
        (Busy("x"), "busy", "Busy", 6),
        (ConfigurationError("x"), "wrong configuration", "Wrong configuration", 2),
        (ManifestError("x"), "wrong configuration", "Wrong configuration", 2),
        (NotFound("x"), "wrong configuration", "Wrong configuration", 5),
        (Unreachable("x"), "unavailable", "Unavailable", 7),
        (NightschoolError("x"), "failed", "Failed", 1),
        (ZeroDivisionError("x"), "failed", "Failed", 1),
        (KeyboardInterrupt(), "interrupted", "Crashed", 130),
    ],
)
def test_each_error_has_its_outcome(error: BaseException, name: str, state: str, code: int) -> None:
    outcome = outcome_of(error)
    assert (outcome.name, outcome.state, outcome.exit_code) == (name, state, code)


def test_the_reason_is_one_line() -> None:
    assert outcome_of(DataRefused("too many\nbad rows", seen=3)).reason == "too many bad rows; saw 3"
    assert outcome_of(ZeroDivisionError("x")).reason == "ZeroDivisionError: x"


def test_a_hold_and_a_locked_home_alarm_nobody() -> None:
    assert not {"held", "busy", "published", "unchanged", "running"} & ALARMING
