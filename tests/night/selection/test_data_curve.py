from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from nightschool.contract import Dataset, Split
from nightschool.errors import DataRefused
from nightschool.night.selection.data_curve import measure_data_curve


class Counting:
    """Scores items by how many users it learned from: from many, item 1 is ahead, which most will meet."""

    seen: ClassVar[list[int]] = []

    def fit(self, dataset: Dataset, *, seed: int) -> "Counting":
        self.seen.append(dataset.interactions["user_index"].n_unique())
        assert dataset.learned is None or len(dataset.learned) == dataset.interactions.height
        return self

    def score(self, users: np.ndarray) -> np.ndarray:
        ahead = 1.0 if self.seen[-1] > 150 else -1.0
        return np.tile(np.array([0, ahead, 0, 0], dtype=np.float32), (len(users), 1))


def create(_name: str, _params: dict[str, Any]) -> Counting:
    return Counting()


def larger(split: Split) -> Split:
    """Twice the users of the split, so that the smallest share can be measured."""
    n, pairs, held = split.fitted.n_users, split.fitted.interactions, split.held_out
    more = [frame.with_columns(pl.col("user_index") + n) for frame in (pairs, held)]
    users = pl.Series(range(2 * n), dtype=pl.Int64)
    fitted = Dataset(
        users,
        split.fitted.item_ids,
        pl.concat([pairs, more[0].cast(pairs.schema)]),
        pl.DataFrame({"user_id": users}),
        split.fitted.items,
        split.fitted.available,
        learned=np.ones(2 * n, dtype=bool),
    )
    return Split("validation", "temporal", fitted, pl.concat([held, more[1].cast(held.schema)]))


def test_each_share_holds_the_smaller_ones_and_is_measured_on_the_same_users(split: Split) -> None:
    Counting.seen.clear()
    curve = measure_data_curve(larger(split), create, 0)
    assert curve is not None
    assert curve["segment"].to_list() == ["users:012", "users:025", "users:050", "users:100"]
    assert set(curve["metric"]) == {"ndcg_by_users"}
    assert Counting.seen == sorted(Counting.seen)
    assert Counting.seen[-1] == 800
    assert set(curve["n_users"]) == {Counting.seen[0]}
    values = curve["value"].to_list()
    assert values[0] < values[2] == pytest.approx(values[3])
    again = measure_data_curve(larger(split), create, 0)
    assert again is not None
    assert again.equals(curve)


def test_too_few_users_are_not_measured(split: Split) -> None:
    assert measure_data_curve(split, create, 0) is None


def test_a_model_that_refuses_the_data_leaves_no_curve(split: Split) -> None:
    class Refusing(Counting):
        def fit(self, dataset: Dataset, *, seed: int) -> "Counting":
            raise DataRefused("too large")

    assert measure_data_curve(larger(split), lambda *_: Refusing(), 0) is None
