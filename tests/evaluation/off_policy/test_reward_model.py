"""Item rates that nobody's own rewards are in."""

import numpy as np
import polars as pl
import pytest

from nightschool.evaluation.off_policy.logs import read_logs
from nightschool.evaluation.off_policy.reward_model import item_rates, with_rates


def test_rates_are_those_of_the_other_folds_shrunk_to_the_mean(shown):
    rows = [(n, n, n % 2, 1, 0.8, n % 2) for n in range(100)]
    logs = read_logs(shown(rows))
    rates = item_rates(logs, np.ones(1))
    for fold in range(5):
        others = logs.rows.filter(pl.col("group") % 5 != fold)
        mean = others["reward"].mean()
        for item in (0, 1):
            rewards = others.filter(pl.col("item_id") == item)["reward"]
            expected = (rewards.sum() + 20 * mean) / (len(rewards) + 20)
            found = rates.filter(pl.col("fold") == fold, pl.col("item_id") == item)["rate"].item()
            assert found == pytest.approx(expected)


def test_less_examined_places_count_as_fewer_looks(shown):
    rows = [(n, n, item, item, 0.8, item == 1) for n in range(100) for item in (1, 2)]
    rates = item_rates(read_logs(shown(rows)), np.array([1.8, 0.2]))
    first = rates.filter(pl.col("item_id") == 1, pl.col("fold") == 0)["rate"].item()
    assert first == pytest.approx((80 + 20 * 0.5) / (1.8 * 80 + 20))


def test_unknown_items_have_the_mean_and_rows_keep_their_order(shown):
    logs = read_logs(shown([(n, n, 5, 1, 0.8, n % 4 == 0) for n in range(40)]))
    rates = item_rates(logs, np.ones(1))
    rows = pl.DataFrame({"item_id": [9, 5, 9], "group": [0, 1, 2]}, schema_overrides={"group": pl.Int32})
    found = with_rates(rows, rates)
    assert found["item_id"].to_list() == [9, 5, 9]
    means = rates.filter(pl.col("item_id").is_null()).sort("fold")["rate"]
    assert found["rate"].to_list()[::2] == [means[0], means[2]]
