import numpy as np
import polars as pl
import pytest

from nightschool.evaluation.evaluate import evaluate
from nightschool.night.monitoring.lists import Since, measure_lists

IDS = {"user_id": pl.Int64, "item_id": pl.Int64}


def lists(*rows: tuple[int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**IDS, "rank": pl.Int32}, orient="row")


def pairs(*rows: tuple[int, int]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=IDS, orient="row")


def measured(tonight, dataset, since=None):
    return {figure.metric: (figure.value, figure.n_users) for figure in measure_lists(tonight, dataset, since)}


def test_figures_of_the_lists_alone_by_hand(dataset):
    # Users 30 and 10 have item 5, user 30 alone 7; nobody has 9, which counts as one user.
    found = measured(lists((30, 9, 1), (10, 9, 1), (20, 5, 1)), dataset)
    assert found["coverage"] == (pytest.approx(2 / 3), 3)
    assert found["gini"] == (pytest.approx(4 / 9), 3)  # places 0, 1, 2
    assert found["novelty"] == (pytest.approx((1 + 1 + 0) / 3), 3)
    assert found["average_popularity"] == (pytest.approx((0.5 + 0.5 + 1) / 3), 3)
    assert set(found) == {"coverage", "gini", "novelty", "average_popularity"}


def test_they_are_those_of_the_catalogue_of_metrics(split, fixed):
    fitted = fixed([0, 9, 8, 1])
    evaluation = evaluate(fitted, split, cutoffs=(10,), megabytes=1)
    ranked = [(user, item, rank) for user in range(400) for rank, item in enumerate((1, 2, 3), 1)]
    found = measured(lists(*ranked), split.fitted)
    for metric in ("coverage", "gini", "novelty", "average_popularity"):
        assert found[metric][0] == pytest.approx(evaluation.mean(metric, 10)), metric


def test_only_the_first_ten_places_count(dataset):
    assert measured(lists((30, 9, 1), (30, 5, 11)), dataset)["coverage"] == (pytest.approx(1 / 3), 1)


def test_changes_count_users_without_new_events_and_what_was_taken_those_with_some(dataset):
    before = lists((1, 7, 1), (1, 5, 2), (2, 7, 1), (2, 5, 2), (3, 7, 1), (4, 9, 1), (5, 7, 1), (5, 9, 11))
    tonight = lists((1, 5, 1), (1, 7, 2), (2, 7, 1), (2, 9, 2), (3, 9, 1), (4, 5, 1), (5, 7, 1), (6, 7, 1))
    since = Since(before.lazy(), pairs((3, 7), (4, 5), (5, 9), (7, 7), (3, 5)))
    found = measured(tonight, dataset, since)
    # 1 has the same items in another order, 2 one other of two; 3, 4, 5 have new events, 6 is new, 7 had no list.
    assert found["changed_lists"] == (0.5, 2)
    assert found["kept_items"] == (0.75, 2)
    assert found["taken"] == (pytest.approx(1 / 3), 3)  # 3 took 7; what 4 and 5 took was not among their first ten


def test_without_quiet_or_active_users_there_is_no_share(dataset):
    before = lists((1, 7, 1))
    assert "taken" not in measured(lists((1, 7, 1)), dataset, Since(before.lazy(), pairs()))
    assert "changed_lists" not in measured(lists((1, 7, 1)), dataset, Since(before.lazy(), pairs((1, 5))))


def test_no_lists_are_no_figures(dataset):
    assert measure_lists(lists(), dataset, None) == []


def test_a_figure_is_the_same_to_the_bit_in_whatever_order_users_come(dataset):
    rng = np.random.default_rng(3)
    before = pl.DataFrame({"user_id": np.repeat(np.arange(300), 10), "item_id": rng.integers(0, 40, 3000)}, schema=IDS)
    tonight = before.with_columns(item_id=pl.Series(rng.integers(0, 40, 3000)), rank=pl.lit(1, pl.Int32)).unique()
    since = Since(before.unique().with_columns(rank=pl.lit(1, pl.Int32)).lazy(), pairs())
    found = {
        measured(tonight.sample(fraction=1, shuffle=True, seed=i), dataset, since)["kept_items"] for i in range(20)
    }
    assert len(found) == 1
