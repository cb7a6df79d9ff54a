import polars as pl

from nightschool.reports.learning import learning_section
from tests.reports.frames import metrics


def measured(metric: str, split: str, model: str, *rows: tuple[str, float, float | None, float | None]) -> pl.DataFrame:
    found = metrics([(split, model, segment, value, low, high) for segment, value, low, high in rows])
    kinds = {"ci_low": pl.Float64, "ci_high": pl.Float64}
    return found.with_columns(pl.lit(metric).alias("metric")).cast(kinds)


def told(*parts: pl.DataFrame) -> list[str]:
    return [plot.sentence for plot in learning_section(pl.concat(parts), "challenger").plots]


def test_what_scores_mean_is_told_of_the_recipe_that_is_published() -> None:
    places = measured("chosen", "test", "challenger", ("place:01", 0.2, 0.15, 0.25), ("place:10", 0.1, 0.05, 0.12))
    tenths = measured("chosen", "test", "challenger", ("tenth:10", 0.2, 0.15, 0.25), ("tenth:01", 0.1, 0.05, 0.16))
    other = measured("chosen", "test", "champion", ("place:01", 0.9, 0.8, 1.0))
    assert told(places, tenths, other) == [
        "Of what stands first in a list 20.0% [15.0%, 25.0%] was chosen on the test, "
        "at place 10 10.0% [5.0%, 12.0%]: the order tells what is chosen.",
        "Of what is shown with the highest tenth of the scores 20.0% [15.0%, 25.0%] was chosen, "
        "with the lowest 10.0% [5.0%, 16.0%]: the intervals overlap, so the order tells nothing here.",
    ]


def test_whether_more_users_help_is_told() -> None:
    few, all_users = ("users:012", 0.1, 0.08, 0.12), ("users:100", 0.2, 0.18, 0.22)
    (sentence,) = told(measured("ndcg_by_users", "validation", "itemknn", all_users, few))
    assert sentence == (
        "itemknn reaches 0.1000 [0.0800, 0.1200] when it learns from 12% of the users, "
        "0.2000 [0.1800, 0.2200] from all, measured on the same 20 users: more users help."
    )
    same = ("users:100", 0.1, 0.08, 0.12)
    assert told(measured("ndcg_by_users", "validation", "itemknn", few, same))[0].endswith("is not shown.")


def test_what_the_reranker_looks_at() -> None:
    rows = [("age", 0.3, None, None), ("score", 0.4, None, None), ("place", 0.2, None, None), ("rest", 0.1, None, None)]
    assert told(measured("importance", "refit", "blend", *rows)) == [
        "Most of what the reranker gains over the blend, 40%, is by score; 2 of 4 features make half of it."
    ]


def test_without_any_of_it_that_is_said() -> None:
    section = learning_section(metrics([("test", "challenger", "all", 0.3, 0.2, 0.4)]), "challenger")
    assert section.lead == ["This night measured neither choices by place nor learning by data size."]
