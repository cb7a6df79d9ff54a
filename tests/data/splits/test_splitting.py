import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightschool.columns import (
    AVAILABLE_AT,
    ITEM_ID,
    ITEM_INDEX,
    RATING,
    RELEVANT,
    SOURCE_FILE,
    SOURCE_ROW,
    TIMESTAMP,
    USER_ID,
    USER_INDEX,
)
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.splits import splitting
from nightschool.data.splits.protocols import PROTOCOLS
from nightschool.data.splits.splitting import (
    TEST,
    TRAIN,
    VALIDATION,
    Cut,
    Window,
    choose_cut,
    count_evaluable,
    named_cut,
)
from nightschool.errors import ConfigurationError, DataRefused
from tests.data.logs import Row, day, log_of

SMALL = Window(days=1, min_users=2, max_test_share=0.5)


def steady(users: int = 3, days: int = 10) -> EventLog:
    """Every user meets a new item every day, at noon."""
    return log_of([(user, number, number + 0.5) for number in range(days) for user in range(users)])


def test_the_nights_cut_is_temporal_and_global_where_it_can_be() -> None:
    cut = choose_cut(steady(), seed=0, window=SMALL)
    assert (cut.protocol, cut.warnings, cut.underpowered) == ("temporal", (), False)
    assert (cut.validation_from, cut.test_from) == (day(7.5), day(8.5))
    assert cut.labels.tolist() == [0] * 24 + [1] * 3 + [2] * 3


def test_the_windows_grow_together_until_the_test_has_its_users() -> None:
    rows: list[Row] = [(user, 0, 0) for user in range(9)] + [(0, 5, 6), (1, 5, 7), (2, 5, 9), (3, 5, 10)]
    cut = choose_cut(log_of(rows), seed=0, window=Window(days=1, min_users=3, max_test_share=0.5))
    assert (cut.protocol, cut.test_from) == ("temporal", day(6))
    assert cut.validation_from == day(2)


def test_equal_timestamps_never_straddle_a_cut() -> None:
    rows: list[Row] = [(user, item, time) for user in range(3) for item, time in enumerate((0, 0, 4, 4, 5, 5))]
    cut = choose_cut(log_of(rows), seed=0, window=SMALL)
    assert cut.protocol == "temporal"
    assert cut.labels.tolist() == [0, 0, 1, 1, 2, 2] * 3


def test_new_users_and_seen_items_do_not_count() -> None:
    rows: list[Row] = [(0, 0, 0), (1, 0, 0), (2, 0, 4), (0, 0, 9), (1, 1, 9), (2, 0, 9), (3, 5, 9)]
    log = log_of(rows)
    late = np.array([False] * 3 + [True] * 4)
    assert count_evaluable(log, ~late, late) == 1
    assert choose_cut(log, seed=0, window=Window(1, 2, 0.9)).protocol == "temporal-user"


def test_a_test_of_too_many_rows_is_left_for_the_weaker_split() -> None:
    cut = choose_cut(steady(), seed=0, window=Window(days=4, min_users=2, max_test_share=0.2))
    assert cut.protocol == "temporal-user"
    assert (cut.validation_from, cut.test_from, cut.underpowered) == (None, None, False)
    assert "weaker" in cut.warnings[0]


def test_too_few_users_are_underpowered() -> None:
    cut = choose_cut(steady(), seed=0)
    assert (cut.protocol, cut.underpowered) == ("temporal-user", True)
    assert "too few users to tell: 3" in cut.warnings[-1]


def test_one_instant_is_enough_to_split_by_user() -> None:
    assert choose_cut(log_of([(0, 0, 1)]), seed=0).underpowered


def test_data_without_time_are_split_at_random_and_it_is_said() -> None:
    log = log_of([(user, item, None) for user in range(3) for item in range(10)])
    cut = choose_cut(log, seed=0, window=SMALL)
    assert cut.protocol == "random-user"
    assert "no time" in cut.warnings[0]
    assert np.bincount(cut.labels).tolist() == [21, 3, 6]


def test_nothing_to_split_is_refused() -> None:
    log = steady()
    empty = replace(log, events=log.events.clear())
    with pytest.raises(DataRefused, match="nothing to split"):
        choose_cut(empty, seed=0)


@pytest.mark.parametrize("protocol", ["temporal", *PROTOCOLS])
def test_every_named_protocol_cuts_three_parts(protocol: str) -> None:
    cut = named_cut(steady(users=4), protocol, seed=1, window=SMALL)
    assert cut.protocol == protocol
    assert set(cut.labels.tolist()) == {TRAIN, VALIDATION, TEST}
    assert not cut.underpowered


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(ConfigurationError, match="leave-first"):
        named_cut(steady(), "leave-first", seed=0)


@pytest.mark.parametrize("protocol", ["temporal", "temporal-user", "leave-last", "leave-one-out", "next-session"])
def test_a_protocol_of_time_needs_time(protocol: str) -> None:
    with pytest.raises(ConfigurationError, match="timestamps"):
        named_cut(log_of([(0, 0, None)]), protocol, seed=0)


def test_leave_one_out_reads_the_validation_item_and_does_not_learn_from_it() -> None:
    # User 1 takes item 2 once more at the end of what is fitted: nothing of that pair is learned.
    log = log_of([(0, item, item) for item in range(5)] + [(1, 2, 0), (1, 3, 1), (1, 2, 2), (1, 4, 3)])
    cut = named_cut(log, "leave-one-out", seed=0)
    split = splitting.test_split(log, cut)
    indices = {item: index for index, item in enumerate(log.empty.item_ids)}
    user = log.empty.user_ids.to_list().index(0)

    def items(frame: pl.DataFrame) -> set[int]:
        return set(frame.filter(pl.col(USER_INDEX) == user)[ITEM_INDEX])

    assert items(split.held_out) == {indices[4]}
    assert items(split.fitted.interactions) == {indices[item] for item in range(4)}
    assert items(split.fitted.pairs) == {indices[item] for item in range(3)}
    other = split.fitted.pairs.filter(pl.col(USER_INDEX) != user)
    assert other[ITEM_INDEX].to_list() == [indices[3]]
    assert splitting.test_split(log, named_cut(log, "leave-last", seed=0)).fitted.learned is None
    tuned = splitting.validation_split(log, cut)
    assert items(tuned.held_out) == {indices[3]}


def test_sessions_end_where_the_gap_says() -> None:
    log = log_of([(user, item, item * 0.01) for user in range(3) for item in range(6)])
    with pytest.raises(DataRefused, match="no user has two sessions; saw 'no gap above 30 minutes'"):
        named_cut(log, "next-session", seed=0)
    cut = named_cut(log, "next-session", seed=0, window=Window(session_minutes=10))
    assert np.bincount(cut.labels).tolist() == [12, 3, 3]


def test_a_temporal_cut_by_name_never_turns_into_another() -> None:
    with pytest.raises(ConfigurationError, match="temporal-user"):
        named_cut(steady(), "temporal", seed=0)


def test_the_given_test_is_the_test() -> None:
    log = log_of([(0, item, None) for item in range(8)], held_out=[(0, 8, None), (1, 9, None)])
    cut = named_cut(log, "given", seed=0, window=SMALL)
    assert np.bincount(cut.labels).tolist() == [6, 2, 2]
    assert (cut.labels[8:] == TEST).all()
    assert splitting.test_split(log, cut).held_out.height == 2


def test_other_protocols_never_learn_from_the_given_test() -> None:
    log = log_of([(0, item, None) for item in range(10)], held_out=[(0, 10, None)])
    assert named_cut(log, "random-user", seed=0).labels[10] == TEST


def test_a_given_test_that_overlaps_is_refused() -> None:
    with pytest.raises(DataRefused, match="saw 1"):
        named_cut(log_of([(0, 0, 1)], held_out=[(0, 0, 2)]), "given", seed=0)


def test_a_manifest_without_a_test_has_none_to_give() -> None:
    with pytest.raises(ConfigurationError, match=r"The manifest has no .test."):
        named_cut(steady(), "given", seed=0)


ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.none() | st.integers(0, 12)), min_size=1, max_size=60
)


@given(rows=ROWS, seed=st.integers(0, 3))
def test_parts_are_disjoint_complete_and_in_time_order(rows: list[Row], seed: int) -> None:
    log = log_of(rows)
    cut = choose_cut(log, seed=seed, window=SMALL)
    parts = [cut.part(label) for label in (TRAIN, VALIDATION, TEST)]
    assert (np.sum(parts, axis=0) == 1).all()
    assert (cut.part(TRAIN, VALIDATION) == ~cut.part(TEST)).all()
    times = log.events[TIMESTAMP]
    if cut.validation_from is not None and cut.test_from is not None:
        assert (times.filter(pl.Series(parts[0])).drop_nulls() <= cut.validation_from).all()
        assert (times.filter(pl.Series(parts[1])) > cut.validation_from).all()
        assert (times.filter(pl.Series(parts[1])) <= cut.test_from).all()
        assert (times.filter(pl.Series(parts[2])) > cut.test_from).all()
        assert parts[2].sum() <= 0.5 * len(rows)
        assert count_evaluable(log, ~parts[2], parts[2]) >= 2


@given(rows=ROWS, seed=st.integers(0, 3), name=st.sampled_from(["temporal-user", "random-user"]))
def test_held_out_pairs_are_never_in_the_history(rows: list[Row], seed: int, name: str) -> None:
    log = log_of([(user, item, day or 0) for user, item, day in rows])
    cut = named_cut(log, name, seed=seed)
    for split in (splitting.validation_split(log, cut), splitting.test_split(log, cut)):
        pairs = [USER_INDEX, ITEM_INDEX]
        assert split.held_out.join(split.fitted.interactions, on=pairs, how="semi").is_empty()
        assert split.held_out.select(pairs).is_unique().all()
        assert split.held_out.select(pairs).rows() == sorted(split.held_out.select(pairs).rows())


@given(rows=ROWS, other=st.integers(0, 6))
def test_what_is_held_out_cannot_change_what_is_learned(rows: list[Row], other: int) -> None:
    log = log_of(rows)
    cut = choose_cut(log, seed=0, window=SMALL)
    altered = log.events.with_columns(
        pl.when(pl.Series(cut.part(TEST)))
        .then(other % log.empty.n_items)
        .otherwise(ITEM_INDEX)
        .cast(pl.Int32)
        .alias(ITEM_INDEX)
    )
    other_log = replace(log, events=altered)
    fitted, same = (splitting.test_split(each, cut).fitted for each in (log, other_log))
    assert_frame_equal(fitted.interactions, same.interactions)
    np.testing.assert_array_equal(fitted.available, same.available)
    np.testing.assert_array_equal(fitted.positives().toarray(), same.positives().toarray())


def test_an_item_that_first_appears_in_the_test_is_no_candidate() -> None:
    rows: list[Row] = [(user, number, number + 0.5) for number in range(10) for user in range(3)]
    log = log_of([*rows, (0, 77, 9.5)])
    cut = choose_cut(log, seed=0, window=SMALL)
    assert cut.protocol == "temporal"
    available = dict(zip(log.empty.item_ids, splitting.test_split(log, cut).fitted.available, strict=True))
    assert not available[77]
    assert available[8]


def movielens() -> EventLog:
    file = Path(os.environ.get("NIGHTSCHOOL_TEST_DATA", "../shared/data")) / "movielens-100k" / "u.data"
    if not file.exists():
        pytest.skip(f"no {file}: set NIGHTSCHOOL_TEST_DATA to the folder of the test data")
    raw = pl.read_csv(file, separator="\t", has_header=False, new_columns=[USER_ID, ITEM_ID, RATING, "seconds"])
    times = pl.from_epoch("seconds", time_unit="s").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    frame = raw.select(
        USER_ID,
        ITEM_ID,
        pl.col(RATING).cast(pl.Float64),
        times.alias(TIMESTAMP),
        times.alias(AVAILABLE_AT),
        pl.lit("u.data").alias(SOURCE_FILE),
        pl.int_range(pl.len()).alias(SOURCE_ROW),
    )
    return build_event_log(None, None, frame, load_manifest("movielens-100k"))


def test_movielens_100k_is_too_bursty_for_a_global_cut() -> None:
    log = movielens()
    cut: Cut = choose_cut(log, seed=42)
    assert (cut.protocol, cut.underpowered) == ("temporal-user", False)
    assert "weaker" in cut.warnings[0]
    split = splitting.test_split(log, cut)
    assert split.held_out.height == 20_000
    assert 0 < split.held_out[RELEVANT].sum() < 20_000
    everything = named_cut(log.with_all_relevant(), "stratified-item", seed=42)
    assert np.bincount(everything.labels == TEST).tolist() == [75_066, 24_934]
