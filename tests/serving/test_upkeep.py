import logging
import threading

import pytest

from nightschool.errors import Unreachable
from serving.upkeep import Upkeep


def refuse() -> None:
    raise Unreachable("it does not answer")


def test_what_is_stuck_holds_up_nothing_else() -> None:
    stuck, done = threading.Event(), threading.Event()
    with Upkeep({"stuck": lambda: void(stuck.wait(30)), "quick": done.set}).running():
        assert done.wait(5)
        stuck.set()


def void(_: object) -> None:
    """Nothing."""


def test_a_trouble_is_logged_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "nightschool.serving")
    steps = {"it": refuse, "other": lambda: None}
    upkeep = Upkeep(steps)
    for _ in range(3):
        with pytest.raises(Unreachable):
            upkeep.refresh()
    assert upkeep.troubles == {"it": "it does not answer"}
    steps["it"] = lambda: None
    upkeep.refresh()
    upkeep.refresh()
    assert upkeep.troubles == {}
    assert [record.getMessage() for record in caplog.records] == [
        "it cannot be read now: it does not answer",
        "it can be read again",
    ]
