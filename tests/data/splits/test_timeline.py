from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nightschool.data.splits.timeline import Ends, Timeline
from tests.data.logs import day, log_of

ROWS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 12), st.none() | st.floats(0, 90, allow_nan=False)),
    min_size=1,
    max_size=60,
)


@given(rows=ROWS, least=st.integers(1, 20), users=st.integers(1, 4), share=st.floats(0.05, 0.5))
def test_the_window_is_the_shortest_that_has_enough_users(rows, least: int, users: int, share: float) -> None:
    log = log_of(rows)
    ends = Ends.of(log)
    found = Timeline.of(log, ends).window(least, users, share)
    timed = [when for *_, when in rows if when is not None]
    asked = range(least, ends.longest + 1)
    fits = [days for days in asked if fits_by_counting(rows, max(timed, default=0.0), days, users, share)]
    assert found == (fits[0] if fits else None)


def fits_by_counting(rows, newest: float, days: int, least_users: int, share: float) -> bool:
    at = day(newest - days)
    late = [(user, item) for user, item, when in rows if when is not None and day(when) > at]
    before = {user for user, _, when in rows if when is None or day(when) <= at}
    seen = {(user, item) for user, item, when in rows if when is None or day(when) <= at}
    users = {user for user, item in late if user in before and (user, item) not in seen}
    return len(users) >= least_users and len(late) / len(rows) <= share


@given(rows=ROWS, cuts=st.lists(st.integers(0, 8), max_size=3))
def test_counts_of_users_apart_add_up(rows, cuts: list[int]) -> None:
    bounds = [0, *sorted(set(cuts)), 9]
    groups = [[row for row in rows if low <= row[0] < high] for low, high in pairwise(bounds)]
    logs = [log_of(group) for group in groups if group]
    whole = log_of(rows)
    ends = reduce(add, map(Ends.of, logs))
    assert ends == Ends.of(whole)
    added, expected = reduce(add, (Timeline.of(log, ends) for log in logs)), Timeline.of(whole, ends)
    for name in ("events", "first", "last"):
        np.testing.assert_array_equal(getattr(added, name), getattr(expected, name))


def test_events_without_times_have_no_ends() -> None:
    ends = Ends.of(log_of([(1, 1, None), (2, 1, None)]))
    assert ends == Ends(None, None, 0, 2)
    assert (ends.has_time, ends.longest) == (False, 0)
