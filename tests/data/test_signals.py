from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import (
    BOT_EVENT,
    DURATION,
    EVENT,
    ITEM_INDEX,
    LIKED,
    NEGATIVE,
    POSITION,
    RATING,
    RELEVANT,
    SCORE,
    TIMESTAMP,
    USER_INDEX,
)
from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.signals import Signal, decay, merge_repeats, score_events, signal_of
from nightschool.errors import DataRefused, ManifestError

IMPLICIT = Signal(mode="implicit")
ENGAGEMENT = Signal(mode="engagement")
RATINGS = Signal(mode="rating", rating_min=4, rating_range=(1, 5))
EVENTS = Signal(mode="events", event_weights={"view": 1, "enroll": 10, "hide": -10})
EXCLUSIONS = {"dislike": -5, "hide": -10}


def events(*rows: tuple[int, int, int | None, float, bool]) -> pl.DataFrame:
    """Rows of user, item, day of January 2024, score, relevant; a score below zero is a dislike's."""
    frame = pl.DataFrame(
        rows, schema=[USER_INDEX, ITEM_INDEX, "day", SCORE, RELEVANT], orient="row", infer_schema_length=None
    )
    day = pl.datetime(2024, 1, pl.col("day"), time_unit="us", time_zone="UTC").alias(TIMESTAMP)
    return frame.with_columns(
        pl.col(USER_INDEX, ITEM_INDEX).cast(pl.Int32), pl.col(SCORE).cast(pl.Float32), pl.col("day").cast(pl.Int32)
    ).with_columns(day, (pl.col(SCORE) < 0).alias(NEGATIVE))


def test_engagement_adds_minutes_and_likes() -> None:
    rows = pl.DataFrame({DURATION: [600.0, 3600.0, None, None], LIKED: [None, True, True, False]})
    scored = score_events(rows, ENGAGEMENT)
    assert scored[SCORE].to_list() == [2.0, 10.0, 5.0, 0.0]
    assert scored[SCORE].dtype == pl.Float32
    assert scored[RELEVANT].to_list() == [True, True, True, False]


def test_ratings_keep_their_scale_and_count_from_the_manifests_minimum() -> None:
    scored = score_events(pl.DataFrame({RATING: [1.0, 3.5, 4.0]}), RATINGS)
    assert scored[SCORE].to_list() == [1.0, 3.5, 4.0]
    assert scored[RELEVANT].to_list() == [False, False, True]


def test_events_weigh_by_type() -> None:
    scored = score_events(pl.DataFrame({EVENT: ["enroll", "hide", "view"]}), EVENTS)
    assert scored[SCORE].to_list() == [10.0, -10.0, 1.0]
    assert scored[RELEVANT].to_list() == [True, False, True]


def test_implicit_is_one() -> None:
    scored = score_events(pl.DataFrame({EVENT: ["x", None]}), IMPLICIT)
    assert scored[SCORE].to_list() == [1.0, 1.0]
    assert scored[RELEVANT].to_list() == [True, True]


@pytest.mark.parametrize("unlisted", ["purchase", None])
def test_an_event_without_a_weight_is_named(unlisted: str | None) -> None:
    with pytest.raises(ManifestError, match=str(unlisted)):
        score_events(pl.DataFrame({EVENT: ["view", unlisted]}), EVENTS)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_dataset_of_ratings_needs_every_rating(missing: float | None) -> None:
    with pytest.raises(DataRefused, match="saw 1"):
        score_events(pl.DataFrame({RATING: [4.0, missing]}), RATINGS)


def test_rows_without_a_rating_are_met_where_the_manifest_says_so() -> None:
    rows = pl.DataFrame({RATING: [5.0, None]})
    for rating_min in (None, 4):
        signal = RATINGS.model_copy(update={"unrated": True, "rating_min": rating_min})
        scored = score_events(rows, signal)
        assert scored[SCORE].to_list() == [5.0, None]
        assert scored[RELEVANT].to_list() == [True, False]


def test_a_rating_wins_over_later_rows_without_one() -> None:
    rows = events((0, 0, 1, 4, True), (0, 0, 2, None, False), (0, 1, 3, None, False), (0, 2, 1, 2, False))
    merged = merge_repeats(rows, RATINGS)
    assert merged.select(ITEM_INDEX, SCORE).rows() == [(0, 4.0), (1, None), (2, 2.0)]


def test_the_latest_rating_of_a_pair_wins_and_the_last_row_among_equals() -> None:
    merged = merge_repeats(
        events((1, 0, 3, 5, True), (1, 0, 2, 1, False), (0, 7, 2, 2, False), (0, 7, 2, 4, True)), RATINGS
    )
    assert merged.select(USER_INDEX, ITEM_INDEX, SCORE, RELEVANT).rows() == [(0, 7, 4.0, True), (1, 0, 5.0, True)]
    assert merged[TIMESTAMP].to_list() == [datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)]


def test_a_rating_without_a_time_is_the_oldest() -> None:
    merged = merge_repeats(events((0, 0, 1, 2, False), (0, 0, None, 5, True)), RATINGS)
    assert merged[SCORE].to_list() == [2.0]


def test_engagement_sums_up_to_the_cap() -> None:
    merged = merge_repeats(events((0, 0, 1, 6, True), (0, 1, 1, 2, True), (0, 0, 2, 7, True)), ENGAGEMENT)
    assert merged[SCORE].to_list() == [10.0, 2.0]


@pytest.mark.parametrize("signal", [IMPLICIT, ENGAGEMENT, EVENTS, RATINGS], ids=lambda signal: signal.mode)
@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, 1, 1, True), (0, 0, 2, -5, False)],
        [(0, 0, 2, -5, False), (0, 0, 1, 10, True)],
        [(0, 0, 3, 10, True), (0, 0, 3, -5, False)],
        [(0, 0, 1, -10, False), (0, 0, 3, -5, False)],
    ],
    ids=["after a view", "after more than it takes back", "at the same time but later in the file", "again"],
)
def test_who_dislikes_last_wants_it_no_more(rows: list[tuple[int, int, int, float, bool]], signal: Signal) -> None:
    merged = merge_repeats(events(*rows), signal)
    assert merged.select(SCORE, RELEVANT).rows() == [(-5.0, False)]
    assert merged.columns == [USER_INDEX, ITEM_INDEX, SCORE, TIMESTAMP, RELEVANT, POSITION]


@pytest.mark.parametrize(
    ("signal", "score", "relevant"),
    [(RATINGS, 4.0, True), (ENGAGEMENT, -1.0, False), (EVENTS, -1.0, False), (IMPLICIT, -1.0, False)],
    ids=lambda value: value.mode if isinstance(value, Signal) else "",
)
def test_who_comes_back_after_a_dislike_counts_as_ever(signal: Signal, score: float, relevant: bool) -> None:
    merged = merge_repeats(events((0, 0, 1, -5, False), (0, 0, 2, 4, True)), signal)
    assert merged.select(SCORE, RELEVANT).rows() == [(score, relevant)]


@pytest.mark.parametrize("mode", ["engagement", "rating", "implicit"])
def test_a_dislike_scores_its_weight_in_every_mode_and_is_never_a_hit(mode: str) -> None:
    signal = Signal(mode=mode, event_weights=EXCLUSIONS, rating_min=1, rating_range=(1, 5))
    rows = pl.DataFrame(
        {
            EVENT: ["dislike", "hide", "view", None],
            RATING: [None, 5.0, 3.0, 3.0],
            DURATION: [900.0] * 4,
            LIKED: [None] * 4,
        },
        schema_overrides={LIKED: pl.Boolean},
    )
    scored = score_events(rows, signal)
    assert scored[SCORE].to_list() == [-5.0, -10.0, *([1.0] * 2 if mode == "implicit" else [3.0] * 2)]
    assert scored[NEGATIVE].to_list() == [True, True, False, False]
    assert scored[RELEVANT].to_list() == [False, False, True, True]


def test_events_that_tell_a_bot_are_marked() -> None:
    signal = IMPLICIT.model_copy(update={"bots": ("view", "click")})
    assert score_events(pl.DataFrame({EVENT: ["view", "enroll", None]}), signal)[BOT_EVENT].to_list() == [1, 0, 0]
    assert score_events(pl.DataFrame({RATING: [1.0]}), RATINGS)[BOT_EVENT].to_list() == [False]


def test_scores_halve_with_each_half_life_back_from_the_newest() -> None:
    log = events((0, 0, 1, 8, True), (0, 1, 3, -8, False), (1, 0, 5, 8, True), (1, 1, None, 8, True))
    assert decay(log, 2)[SCORE].to_list() == [2.0, -4.0, 8.0, 8.0]
    assert decay(log.tail(1), 2)[SCORE].to_list() == [8.0]
    assert decay(log, 2)[SCORE].dtype == pl.Float32
    assert decay(log, 2).drop(SCORE).equals(log.drop(SCORE))


def test_what_is_older_than_all_counting_stays_liked() -> None:
    scores = decay(events((0, 0, 1, 1, True), (0, 1, 9, 1, True)), 0.001)[SCORE]
    assert 0 < scores[0] < 1e-29


def test_old_events_weigh_less_in_a_sum_before_it_is_cut() -> None:
    log = events((0, 0, 1, 8, True), (0, 0, 3, 9, True), (0, 1, 1, 8, True), (0, 1, 3, 1, True))
    assert merge_repeats(decay(log, 2), ENGAGEMENT)[SCORE].to_list() == [10.0, 5.0]


def test_implicit_repeats_count_once() -> None:
    merged = merge_repeats(events((0, 0, 1, 1, True), (0, 0, 2, 1, True)), IMPLICIT)
    assert merged.select(SCORE, RELEVANT).rows() == [(1.0, True)]


def test_nothing_merges_to_nothing() -> None:
    assert merge_repeats(events((0, 0, 1, 1, True)).clear(), ENGAGEMENT).is_empty()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 2), st.none() | st.integers(1, 4), st.integers(-9, 9), st.booleans()
        )
    ),
    st.sampled_from([IMPLICIT, ENGAGEMENT, EVENTS, RATINGS]),
)
def test_merging_equals_a_plain_loop(rows: list[tuple[int, int, int | None, int, bool]], signal: Signal) -> None:
    if not rows:
        return
    merged = merge_repeats(events(*rows), signal)
    expected = []
    for pair in sorted({row[:2] for row in rows}):
        mine = sorted((row for row in rows if row[:2] == pair), key=lambda row: row[2] or 0)
        score, relevant = float(mine[-1][3]), mine[-1][4]
        if signal.mode != "rating":
            total = score if score < 0 else float(sum(row[3] for row in mine))
            score = max(-10.0, min(1.0 if signal.mode == "implicit" else 10.0, total))
            relevant = any(row[4] for row in mine) and score > 0
        expected.append((*pair, score, relevant))
    assert merged.select(USER_INDEX, ITEM_INDEX, SCORE, RELEVANT).rows() == expected


@pytest.mark.parametrize(
    ("signal", "score_range"),
    [
        (Signal(mode="engagement", event_weights=EXCLUSIONS), (0, 10)),
        (IMPLICIT, None),
        (RATINGS, (1, 5)),
        (ENGAGEMENT, (0, 10)),
        (EVENTS, (-10, 10)),
        (Signal(mode="events", event_weights={"view": 1}), (0, 10)),
    ],
)
def test_the_range_of_a_merged_score(signal: Signal, score_range: tuple[float, float] | None) -> None:
    assert signal.score_range == score_range


def test_the_signal_comes_from_the_manifest() -> None:
    assert signal_of(load_manifest("movielens-100k")) == RATINGS
    learning = Signal(mode="engagement", event_weights=EXCLUSIONS, bots=("viewed",))
    assert signal_of(load_manifest("learning")) == learning
    assert signal_of(load_manifest("mooccubex")) == IMPLICIT


@pytest.mark.parametrize(
    ("signal", "columns"),
    [
        (IMPLICIT, ()),
        (RATINGS, (RATING,)),
        (ENGAGEMENT, (DURATION, LIKED)),
        (EVENTS, (EVENT,)),
        (EVENTS.model_copy(update={"rating_min": 4.0}), (EVENT, RATING)),
        (IMPLICIT.model_copy(update={"bots": ("view",)}), (EVENT,)),
        (RATINGS.model_copy(update={"event_weights": EXCLUSIONS}), (RATING, EVENT)),
    ],
)
def test_a_score_is_made_of_no_more_columns_than_it_needs(signal: Signal, columns: tuple[str, ...]) -> None:
    assert signal.scored_by == columns
