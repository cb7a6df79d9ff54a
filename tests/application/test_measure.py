import time

import numpy as np
import pytest

from nightschool.application.measure import collecting, measured


def test_a_stage_is_measured_in_seconds_and_gigabytes():
    with collecting() as figures:
        with measured("small"):
            time.sleep(0.05)
        with measured("large"):
            held = np.ones(50_000_000)
            time.sleep(0.5)
            del held
    assert list(figures) == ["small", "large"]
    assert 0.05 <= figures["small"]["seconds"] < 5
    assert 0 <= figures["small"]["cpu_seconds"] < 5
    grown = figures["large"]["gigabytes"] - figures["small"]["gigabytes"]
    assert 0.3 < grown < 0.5


def test_a_stage_that_fails_is_measured_too():
    with collecting() as figures, pytest.raises(ZeroDivisionError), measured("bad"):
        raise ZeroDivisionError
    assert set(figures["bad"]) == {"seconds", "cpu_seconds", "gigabytes"}


def test_where_nobody_collects_nothing_is_measured():
    with measured("alone"):
        pass
    with collecting() as figures:
        pass
    assert figures == {}
