from datetime import UTC, datetime

import numpy as np
import polars as pl

from models.rating_stack.temporal_context import Timeline, Windows, instants_of, seconds_of
from nightschool.columns import INSTANT

WINDOWS = Windows(seconds=(0, 10), rows=(1,), one_sided=(1,))
DAY = 86_400


def ints(*values):
    return np.array(values, dtype=np.int32)


def around(owner, second):
    """Of two owners: 0 with rows at 100, 105, 105 and a day later, 1 with one at 103."""
    owners, seconds = ints(0, 1, 0, 0, 0), np.array([DAY + 100, 103, 105, 100, 105])
    values = np.array([[8.0], [100.0], [2.0], [1.0], [4.0]], dtype=np.float32)
    return Timeline.of(owners, seconds, values, WINDOWS).around(ints(owner), np.array([second]))[0].tolist()


def test_the_place_of_an_instant_and_means_around_it():
    place = [2.0, 0.5, np.float32(np.log(5)), 2.0, 5.0, DAY - 5.0, 5.0, DAY - 5.0, 105.0, 105.0]
    same_second, ten_seconds, neighbours = [2.0, 6 / 3], [3.0, 7 / 4], [4.0, 15 / 5]
    before, after = [1.0, 1 / 2], [1.0, 8 / 2]
    found = around(0, 105)
    assert np.allclose(found, [*place, *same_second, *ten_seconds, *neighbours, *before, *after])


def test_other_owners_rows_are_never_looked_at():
    assert around(1, 105)[10:] == [0.0, 0.0, 1.0, 50.0, 1.0, 50.0, 1.0, 50.0, 0.0, 0.0]
    assert around(0, 10**9)[10:] == [0.0, 0.0, 0.0, 0.0, 1.0, 4.0, 1.0, 4.0, 0.0, 0.0]
    assert around(1, 0)[10:] == [0.0, 0.0, 0.0, 0.0, 1.0, 50.0, 0.0, 0.0, 1.0, 50.0]


def test_an_unknown_owner_has_no_rows():
    assert not np.any(around(-1, 105)[:4])
    assert around(-1, 105)[4:8] == [-1.0] * 4
    assert not np.any(around(-1, 105)[10:])


def test_times_are_told_where_every_pair_has_one():
    times = pl.Series("timestamp", [datetime(1970, 1, 2, tzinfo=UTC), None]).cast(INSTANT)
    assert seconds_of(instants_of(times.head(1).to_frame())).tolist() == [DAY]
    assert len(instants_of(times.to_frame())) == 0
    assert len(instants_of(pl.DataFrame({"score": [1.0]}))) == 0
