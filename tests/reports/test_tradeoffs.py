import polars as pl

from nightschool.reports.tradeoffs import NAMED, against_coverage, against_seconds, served_by
from tests.reports.frames import metrics

COLUMNS = ["model", "value", "ci_low", "ci_high"]
MODELS = pl.DataFrame(
    [("slow", 0.3, 0.25, 0.35), ("quick", 0.28, 0.23, 0.33), ("poor", 0.1, 0.05, 0.15)], COLUMNS, orient="row"
)


def test_the_fastest_that_may_be_as_good_is_named() -> None:
    plot = against_seconds(MODELS, {"slow": 9.0, "quick": 0.5, "poor": 0.0})
    assert (
        plot.sentence
        == "slow is best and takes 9.00 s to fit; the fastest that may be as good is quick with 0.50 s. " + NAMED
    )
    alone = against_seconds(MODELS, {"slow": 0.5, "poor": 0.1})
    assert alone.sentence == "slow is best and takes 0.50 s to fit; nothing that may be as good is faster. " + NAMED


def test_without_seconds_of_two_models_nothing_is_drawn() -> None:
    assert against_seconds(MODELS, {"slow": 1.0}) is None


def test_how_much_of_the_catalogue_is_shown_is_compared() -> None:
    measured = metrics(
        [("validation", model, "all", share, None, None) for model, share in (("slow", 0.4), ("poor", 0.9))]
    )
    covered = measured.with_columns(metric=pl.lit("coverage"))
    plot = against_coverage(covered, MODELS)
    assert (
        plot.sentence
        == "slow is best and shows 40% of the items to somebody; poor shows most, 90%, with 0.1000. " + NAMED
    )
    assert against_coverage(covered[:1], MODELS) is None


def test_a_model_is_best_for_a_segment_only_where_that_is_shown() -> None:
    rows = [
        ("slow", "all", 0.3, 0.25, 0.35),
        ("quick", "all", 0.28, 0.23, 0.33),
        ("slow", "new", 0.3, 0.25, 0.35),
        ("quick", "new", 0.28, 0.23, 0.33),
        ("slow", "old", 0.3, 0.25, 0.35),
        ("quick", "old", 0.1, 0.05, 0.15),
        ("slow", "rare", 0.3, 0.25, 0.35),
    ]
    table = served_by(pl.DataFrame(rows, ["model", "segment", *COLUMNS[1:]], orient="row"))
    assert table.caption.endswith("1 of 3")
    assert [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in table.rows] == [
        ["new", "0.300 [0.250, 0.350]", "0.280 [0.230, 0.330]"],
        ["old", "★ 0.300 [0.250, 0.350]", "0.100 [0.050, 0.150]"],
        ["rare", "0.300 [0.250, 0.350]", "–"],
    ]


def test_one_model_or_no_segment_is_no_comparison() -> None:
    assert (
        served_by(pl.DataFrame([("a", "all", 0.3, 0.2, 0.4)], ["model", "segment", *COLUMNS[1:]], orient="row")) is None
    )
