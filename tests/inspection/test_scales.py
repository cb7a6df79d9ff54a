import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.inspection.profiles import profile
from nightschool.inspection.scales import hit_from, rating_scale, sentinels, time_unit
from tests.inspection.conftest import NOW


@pytest.mark.parametrize(
    ("low", "high", "halves", "scale"),
    [
        (1, 5, False, (1, 5)),
        (2, 4, False, (1, 5)),
        (0, 5, False, (0, 5)),
        (0.5, 5, True, (0.5, 5)),
        (1.5, 4.5, True, (1, 5)),
        (1, 9, False, (1, 10)),
        (0, 10, False, (0, 10)),
        (0, 97, False, (0, 100)),
        (-1, 1, False, (-1, 1)),
        (0, 0.8, True, (0, 1)),
        (0, 298, False, (0, 300)),
        (-7, 430, False, (-10, 500)),
    ],
)
def test_scale_is_a_usual_one_around_what_was_seen(low, high, halves, scale):
    assert rating_scale(low, high, halves=halves) == scale


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_scale_holds_what_was_seen(one, other):
    low, high = sorted((one, other))
    bottom, top = rating_scale(low, high, halves=True)
    assert bottom <= low
    assert high <= top
    assert bottom < top or low == high


@pytest.mark.parametrize(
    ("low", "high", "halves", "edge"),
    [
        (1, 5, False, 4),
        (0.5, 5, True, 3.5),
        (0, 10, False, 7),
        (0, 100, False, 67),
        (1, 10, False, 7),
        (0, 5, False, 4),
    ],
)
def test_hits_are_the_upper_third(low, high, halves, edge):
    assert hit_from(low, high, halves=halves) == edge


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (["881250949", "893286638"], "s"),
        (["1700000000.5"], "s"),
        (["1700000000000"], "ms"),
        (["1700000000000000"], "us"),
        (["2024-01-01T10:00:00Z"], "iso"),
        (["2031-01-01"], None),
        (["18", "22"], None),
        (["a"], None),
    ],
)
def test_unit_of_times(values, unit):
    assert time_unit(profile("at", pl.Series(values)), NOW) == unit


def test_a_few_missing_times_written_as_zero_change_nothing():
    values = ["0", *(str(1_700_000_000 + n) for n in range(99))]
    assert time_unit(profile("at", pl.Series(values)), NOW) == "s"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({-1: 5, **dict.fromkeys(range(1, 11), 2)}, (-1,)),
        ({0: 50, **dict.fromkeys(range(1, 11), 2)}, (0,)),
        ({0: 1, **dict.fromkeys(range(1, 6), 2)}, ()),
        ({99: 50, **dict.fromkeys(range(-10, 11), 2)}, (99,)),
        ({-1: 5, 0: 9, **dict.fromkeys(range(1, 6), 2)}, (-1, 0)),
        ({-1: 5, 0: 1, **dict.fromkeys(range(1, 6), 2)}, (-1,)),
        ({-1: 5, 0: 9, 1: 3}, ()),
        ({0: 5, 1: 5}, ()),
        (dict.fromkeys(range(1, 6), 2), ()),
        ({0: 9, **dict.fromkeys(range(1, 101), 2)}, ()),
    ],
)
def test_what_stands_for_no_rating_lies_beyond_the_scale(counts, expected):
    values = [str(number) for number, count in counts.items() for _ in range(count)]
    assert sentinels(profile("rating", pl.Series(values))) == expected
