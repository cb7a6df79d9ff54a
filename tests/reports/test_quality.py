import polars as pl

from nightschool.reports.quality import quality_section
from nightschool.reports.tradeoffs import NAMED
from tests.reports.frames import metrics

SWEEP = [
    ("validation", f"hybrid(ease, content, α={alpha})", "all", value, value - 0.01, value + 0.01)
    for alpha, value in ((0.1, 0.2), (0.5, 0.3), (0.9, 0.25))
]
MODELS = [
    ("validation", "ease", "all", 0.31, 0.3, 0.32),
    ("validation", "content", "all", 0.305, 0.295, 0.315),
    ("validation", "popularity", "all", 0.1, 0.09, 0.11),
]

SECONDS = {"ease": 2.0, "content": 0.5}


def told(measured: pl.DataFrame, *segments: tuple[str, float, float, float]) -> list[str]:
    rows = segments or [("all", 0.3, 0.2, 0.4)]
    published = pl.DataFrame(rows, schema=["segment", "value", "ci_low", "ci_high"], orient="row")
    return [plot.sentence for plot in quality_section(measured, published, SECONDS).plots]


def test_the_best_model_and_those_that_may_be_as_good_are_named() -> None:
    models, curve, quick = told(metrics(MODELS + SWEEP))
    assert models == (
        "ease is best on validation with 0.3100 [0.3000, 0.3200]; content may be as good: the intervals overlap."
    )
    assert (
        quick
        == "ease is best and takes 2.00 s to fit; the fastest that may be as good is content with 0.50 s. " + NAMED
    )
    assert curve == "Of the mixtures, α = 1 is best on validation with 0.3100 [0.3000, 0.3200]."


def test_segments_are_told_apart_only_by_their_intervals() -> None:
    old, few = ("old", 0.4, 0.35, 0.45), metrics(MODELS[:1])
    assert told(few, ("all", 0.3, 0.2, 0.4), ("new", 0.1, 0.05, 0.15), old)[-1] == (
        "old is served best (0.4000), new least (0.1000); their intervals are apart."
    )
    assert told(few, ("new", 0.1, 0.05, 0.36), old)[-1].endswith("their intervals overlap: no difference is shown.")


def test_without_figures_nothing_is_drawn() -> None:
    assert told(metrics(MODELS)[:0]) == []


def test_segments_are_compared_by_models_of_which_mixtures_count_once() -> None:
    rows = [*MODELS, *SWEEP, *(("validation", model, "activity:new", 0.2, 0.1, 0.3) for _, model, *_ in MODELS + SWEEP)]
    published = pl.DataFrame([("all", 0.3, 0.2, 0.4)], schema=["segment", "value", "ci_low", "ci_high"], orient="row")
    (table,) = quality_section(metrics(rows), published, SECONDS).tables
    assert table.columns == ["segment", "ease", "content", "hybrid(ease, content, α=0.5)", "popularity"]
