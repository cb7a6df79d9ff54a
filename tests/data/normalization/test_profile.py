import math
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions
from nightschool.data.normalization.profile import HOUR, add_up, population_stability, profile

LOG = Interactions.model_validate(
    {"files": ["log.csv"], "user": "u", "item": "i", "rating": {"column": "r", "min": 1, "max": 5}}
)
USERS = Users.model_validate({"files": ["u.csv"], "id": "u", "attributes": ["team"], "lists": {"skills": ","}})
ITEMS = Items.model_validate({"files": ["i.csv"], "id": "i", "categories": ["topic"], "flags": {"genres": ["a", "b"]}})
FIVE, SIX = datetime(2026, 1, 1, 5, 59, tzinfo=UTC), datetime(2025, 6, 1, 6, tzinfo=UTC)
SCHEMA = {
    "timestamp": pl.Datetime("us", "UTC"),
    "event": pl.String,
    "duration_seconds": pl.Float64,
    "liked": pl.Boolean,
    "rating": pl.Float64,
}
ROWS = [
    (FIVE, "view", 0.0, True, 1.0),
    (FIVE, "view", 0.9, False, 5.0),
    (SIX, "enroll", 7.0, None, 3.0),
    (None, None, None, None, None),
]
FRAME = pl.DataFrame(ROWS, SCHEMA, orient="row")


def bins(part, frame: pl.DataFrame, column: str) -> dict[str | None, int]:
    return dict(profile(part, frame).filter(pl.col("column") == column).select("bin", "rows").iter_rows())


def test_every_column_of_interactions_is_counted_in_its_bins():
    assert bins(LOG, FRAME, "rating") == {None: 1, "0": 1, "5": 1, "9": 1}
    assert bins(LOG, FRAME, "duration_seconds") == {None: 1, "0": 2, "3": 1}
    assert bins(LOG, FRAME, HOUR) == {None: 1, "5": 2, "6": 1}
    assert bins(LOG, FRAME, "liked") == {None: 2, "0": 1, "1": 1}
    assert sorted(bins(LOG, FRAME, "event").values()) == [1, 1, 2]


def test_labels_of_users_and_items_are_counted_and_lists_label_by_label():
    users = pl.DataFrame({"user_id": [1, 2], "team": ["red", None], "skills": [["a", "b"], []]})
    assert sum(bins(USERS, users, "team").values()) == 2
    assert bins(USERS, users, "team")[None] == 1
    assert sum(bins(USERS, users, "skills").values()) == 3
    items = pl.DataFrame({"item_id": [1], "topic": ["x"], "genres": [["a"]]})
    assert set(profile(ITEMS, items)["column"]) == {"topic", "genres"}


def test_no_label_can_be_read_from_a_profile():
    users = pl.DataFrame({"team": [f"person {number}" for number in range(100)], "skills": [["a"]] * 100})
    assert set(profile(USERS, users)["bin"]) <= {str(number) for number in range(32)}


def test_bins_are_the_same_in_every_version():
    """A stored profile is compared with those of later versions: the bins' numbers must never change."""
    assert bins(USERS, pl.DataFrame({"team": ["red"], "skills": [["ü"]]}), "team") == {"3": 1}


@given(cut=st.integers(0, len(ROWS)))
def test_profiles_of_blocks_add_up(cut):
    assert add_up([profile(LOG, FRAME[:cut]), profile(LOG, FRAME[cut:])]).equals(profile(LOG, FRAME))


def counts(**columns: dict[str | None, int]) -> pl.DataFrame:
    rows = [(column, place, n) for column, places in columns.items() for place, n in places.items()]
    return pl.DataFrame(rows, {"column": pl.String, "bin": pl.String, "rows": pl.Int64}, orient="row")


def test_index_is_the_sum_over_the_bins():
    before, after = counts(a={"0": 90, "1": 10, None: 100}), counts(a={"0": 10, "1": 40})
    (row,) = population_stability(before, after).to_dicts()
    p, q = (90.5 / 101, 10.5 / 101), (10.5 / 51, 40.5 / 51)
    assert row["psi"] == pytest.approx(sum((x - y) * math.log(x / y) for x, y in zip(p, q, strict=True)))
    assert row["noise"] == pytest.approx((1 / 100 + 1 / 50) * (1 + 1.645 * math.sqrt(2)))
    assert (row["rows_before"], row["values_before"], row["missing_before"]) == (200, 100, 0.5)
    assert (row["rows_after"], row["values_after"], row["missing_after"]) == (50, 50, 0.0)


def test_equal_batches_have_not_moved():
    same = counts(a={"0": 7, "1": 3, None: 2}, b={"x": 5})
    assert population_stability(same, same)["psi"].to_list() == [0.0, 0.0]


def test_only_columns_that_both_batches_have_are_compared():
    assert population_stability(counts(a={"0": 5}, b={"0": 5}), counts(b={"0": 5}, c={"0": 5}))["column"].to_list() == [
        "b"
    ]


def test_column_without_values_has_lost_them_but_not_moved():
    (row,) = population_stability(counts(a={"0": 5, "1": 5}), counts(a={None: 9})).to_dicts()
    assert (row["psi"], row["noise"], row["missing_before"], row["missing_after"]) == (0.0, 0.0, 0.0, 1.0)


def test_noise_bounds_the_index_of_equal_populations():
    rng = np.random.default_rng(7)
    beyond = 0
    for _ in range(200):
        drawn = [np.bincount(rng.integers(0, 8, size=n), minlength=8) for n in (500, 300)]
        (row,) = population_stability(
            *(counts(a=dict(zip("01234567", each.tolist(), strict=True))) for each in drawn)
        ).to_dicts()
        beyond += row["psi"] > row["noise"]
    assert 0 < beyond < 30
