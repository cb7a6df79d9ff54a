import numpy as np
import polars as pl
import pytest

from nightschool.evaluation.figure_rows import FIGURE_ROWS, Figure, figure_rows
from nightschool.night.entries import ShiftEntry
from nightschool.night.monitoring.shifts import (
    LEARNED_ANEW,
    PastNight,
    Seen,
    find_shifts,
    in_words,
    unaccepted,
    watched_figures,
)

COVERAGE = ("coverage", "all", "all")
EVENTS = ("new_events", "all", "all")
EASE, IALS = {"components": [{"model": "ease"}]}, {"components": [{"model": "ials"}]}


def night(value: float, key=COVERAGE, recipe=EASE, basis="b", shifts=(), error=0.0) -> PastNight:
    return PastNight(recipe, basis, {key: Seen(value, error)}, tuple(shifts))


def calm(n: int, key=COVERAGE, level: float = 0.6, recipe=EASE) -> list[PastNight]:
    return [night(level * (1 + 0.01 * error), key, recipe) for error in np.random.default_rng(0).normal(size=n)]


def test_a_figure_within_its_limits_is_no_shift():
    assert find_shifts(calm(20), night(0.6)) == ()
    assert find_shifts([], night(0.6)) == ()


def test_a_figure_outside_is_a_note_and_a_warning_the_next_night_until_it_comes_back():
    past = calm(20)
    (first,) = find_shifts(past, night(0.3))
    assert (first.nights, first.persists, first.seen) == (1, False, 0.3)
    (second,) = find_shifts([*past, night(0.3, shifts=[first])], night(0.31))
    assert (second.nights, second.persists, second.seen) == (2, True, 0.31)
    assert (second.low, second.high) == (first.low, first.high)
    assert find_shifts([*past, night(0.3, shifts=[first]), night(0.31, shifts=[second])], night(0.6)) == ()


def test_what_lasts_for_two_weeks_is_what_is_expected_and_coming_back_from_it_is_a_shift():
    past = calm(20)
    for number in range(LEARNED_ANEW):
        value = 0.3 + 0.002 * (number % 3)
        past.append(night(value, shifts=find_shifts(past, night(value))))
    assert [one.shift(COVERAGE).nights for one in past[20:]] == [*range(1, LEARNED_ANEW + 1)]
    assert find_shifts(past, night(0.301)) == ()
    assert find_shifts([*past, night(0.301), night(0.303)], night(0.6))


def test_another_recipe_or_another_way_of_scoring_starts_the_series_anew():
    assert find_shifts(calm(20), night(0.3, recipe=IALS)) == ()
    assert find_shifts(calm(20), night(0.3, basis="c")) == ()
    assert find_shifts(calm(20, EVENTS, 1000), night(1, EVENTS, recipe=IALS))


def test_a_change_within_the_chance_of_its_own_sample_is_no_shift():
    assert find_shifts(calm(20), night(0.5, error=0.05))
    past = [night(one.figures[COVERAGE].value, error=0.1) for one in calm(20)]
    assert find_shifts(past, night(0.5, error=0.1)) == ()


def test_counts_are_watched_by_factors():
    (found,) = find_shifts(calm(20, EVENTS, 1000), night(100, EVENTS))
    assert found.low > 400
    assert found.high < 2500
    assert find_shifts(calm(20, EVENTS, 1000), night(700, EVENTS)) == ()


def test_figures_are_those_of_the_published_recipe_and_of_the_lists():
    rows = [
        ("challenger", "test", "all", "ndcg", 10, 0.3),
        ("champion", "test", "all", "ndcg", 10, 0.25),
        ("champion", "test", "audience:x", "ndcg", 10, 0.125),
        ("champion", "test", "all", "ndcg", 5, 0.4),
        ("champion", "test", "all", "coverage", 10, 0.5),
        ("ease", "validation", "all", "ndcg", 10, 0.6),
    ]
    names = ["model", "split", "segment", "metric", "k", "value"]
    tested = pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"k": pl.Int32})
    tested = tested.with_columns(ci_low=pl.col("value") - 0.0625, ci_high=pl.col("value") + 0.0625)
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in FIGURE_ROWS.items() if name not in tested.columns]
    metrics = pl.concat([tested.with_columns(lacking).select(*FIGURE_ROWS), figure_rows([Figure("gini", 0.7, 10)])])
    quality = {("ndcg", "test", "all"): Seen(0.25, 0.0625), ("ndcg", "test", "audience:x"): Seen(0.125, 0.0625)}
    assert watched_figures(metrics, "kept") == {**quality, ("gini", "all", "all"): Seen(0.7)}
    assert watched_figures(metrics, "first")["ndcg", "test", "all"].value == 0.3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "gini of the lists is 0.9, where 0.5 to 0.7 was expected"),
        ({"segment": "event"}, "gini of the lists of event is 0.9, where 0.5 to 0.7 was expected"),
        ({"span": 7}, "gini of the lists is 0.9 on average over 7 nights, where 0.5 to 0.7 was expected"),
        ({"nights": 3}, "gini of the lists is 0.9, where 0.5 to 0.7 was expected, for 3 nights now"),
    ],
)
def test_a_shift_in_words(fields, words):
    known = {"metric": "gini", "split": "all", "segment": "all", "words": "gini of the lists", "seen": 0.9}
    entry = ShiftEntry.model_validate({**known, "expected": 0.6, "low": 0.5, "high": 0.7, **fields})
    assert in_words(entry) == words


def test_a_shift_ends_where_the_series_starts_anew():
    (first,) = find_shifts(calm(20), night(0.3))
    past = [*calm(20), night(0.3, shifts=[first])]
    assert find_shifts(past, night(0.31, recipe=IALS)) == ()
    assert find_shifts(past, night(0.31, basis="c")) == ()


def test_a_warning_refuses_until_a_release_was_published_with_it():
    (note,) = find_shifts(calm(20), night(0.3))
    warned = [note.model_copy(update={"nights": nights}) for nights in (2, 3)]
    assert unaccepted([note]) == []
    assert unaccepted(warned[:1]) == [in_words(warned[0])]
    assert unaccepted(warned[1:]) == []
