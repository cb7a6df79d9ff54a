import doctest
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.autoencoders.ease import Ease
from models.baselines.content import Content
from nightschool import contract
from nightschool.columns import ITEM_ID, SCORE, TIMESTAMP, USER_ID
from nightschool.contract import Dataset
from nightschool.errors import DataRefused
from nightschool.hashing import order_ids
from nightschool.item_columns import ItemColumns

LOG = pl.DataFrame({USER_ID: [1, 1, 2, 3, 3], ITEM_ID: ["a", "b", "a", "b", "c"]})
COURSES = pl.DataFrame(
    {
        ITEM_ID: ["a", "b", "c", "new"],
        "title": ["Sums", "Sets", "Maps", "Rings"],
        "topic": ["x", "y", "y", "x"],
        "tags": [["p"], ["q"], [], ["p", "q"]],
        "level": pl.Series(["low", "high", "low", None], dtype=pl.Enum(["low", "high"])),
        "pages": [1, 2, 3, 4],
    }
)


def by_id(dataset: Dataset) -> pl.DataFrame:
    """The pairs under their own ids."""
    pairs = dataset.interactions
    users = dataset.user_ids.gather(pairs["user_index"]).alias(USER_ID)
    items = dataset.item_ids.gather(pairs["item_index"]).alias(ITEM_ID)
    return pl.DataFrame([users, items, pairs[SCORE], pairs[TIMESTAMP]]).sort(USER_ID, ITEM_ID)


def test_the_example_of_the_docstring_holds():
    found = doctest.DocTestFinder().find(Dataset.from_frames, globs={"pl": pl, "Ease": Ease, "Dataset": Dataset})
    assert [test.examples for test in found if test.examples]
    for test in found:
        assert doctest.DocTestRunner().run(test).failed == 0


def test_ids_are_indexed_as_a_night_does_and_every_pair_scores_one():
    dataset = Dataset.from_frames(LOG)
    assert dataset.user_ids.to_list() == order_ids(LOG[USER_ID]).to_list()
    assert dataset.item_ids.to_list() == order_ids(LOG[ITEM_ID]).to_list()
    assert by_id(dataset).select(USER_ID, ITEM_ID).rows() == sorted(LOG.rows())
    assert by_id(dataset)[SCORE].to_list() == [1.0] * 5
    assert by_id(dataset)[TIMESTAMP].null_count() == 5
    assert dataset.available.all()


def test_pandas_gives_the_same_as_polars():
    times = pd.date_range("2024-01-01T12:00", periods=5)
    frame = pd.DataFrame({USER_ID: LOG[USER_ID].to_list(), ITEM_ID: LOG[ITEM_ID].to_list(), TIMESTAMP: times})
    found, same = (
        Dataset.from_frames(frame),
        Dataset.from_frames(LOG.with_columns(pl.Series(TIMESTAMP, times.to_pydatetime().tolist()))),
    )
    assert_frame_equal(found.interactions, same.interactions)
    assert by_id(found)[TIMESTAMP].max() == datetime(2024, 1, 5, 12, tzinfo=UTC)


def in_order(dataset: Dataset) -> list[str]:
    """The first user's items, oldest first."""
    own = dataset.interactions.with_columns(place=-pl.Series(dataset.places)).filter(user_index=0).sort("place")
    return dataset.item_ids.gather(own["item_index"]).to_list()


def test_rows_keep_their_order_where_times_are_equal_and_where_they_are_said_to_be_ordered():
    log = pl.DataFrame({USER_ID: [1, 1, 1, 1, 1], ITEM_ID: ["d", "a", "c", "d", "b"]})
    assert Dataset.from_frames(log).places is None
    assert in_order(Dataset.from_frames(log, ordered=True)) == ["a", "c", "d", "b"]
    days = [date(2024, 1, 2), date(2024, 1, 2), date(2024, 1, 1), date(2024, 1, 2), None]
    timed = log.with_columns(pl.Series(TIMESTAMP, days))
    assert in_order(Dataset.from_frames(timed)) == ["b", "c", "a", "d"]


def test_of_a_pairs_repeats_the_latest_row_counts():
    log = pl.DataFrame(
        {USER_ID: [1, 1, 1, 2, 2], ITEM_ID: [7, 7, 7, 7, 7], SCORE: [3, 5, 4, 1, 2]},
    )
    days = [date(2024, 1, 2), date(2024, 1, 3), None, None, None]
    dataset = Dataset.from_frames(log.with_columns(pl.Series(TIMESTAMP, days)), score_range=(1, 5))
    assert by_id(dataset).select(USER_ID, SCORE).rows() == [(1, 5.0), (2, 2.0)]
    assert dataset.score_range == (1, 5)


def test_attributes_describe_users_and_items():
    users = pl.DataFrame({USER_ID: [1, 2, 4], "role": ["x", "y", None], "age": ["a", "b", "c"]})
    dataset = Dataset.from_frames(LOG, users, COURSES)
    assert dataset.audience == "role"
    assert dict(dataset.users.select(USER_ID, "role").rows()) == {1: "x", 2: "y", 3: None, 4: None}
    assert dataset.item_columns == ItemColumns(("topic",), {"level": ("low", "high")}, ("tags",))
    assert dataset.items.columns[:3] == [ITEM_ID, "title", "text"]
    assert dataset.items[ITEM_ID].to_list() == dataset.item_ids.to_list()
    assert dataset.cold_users.sum() == 1


def test_an_item_that_the_items_frame_lacks_is_not_recommended():
    dataset = Dataset.from_frames(LOG, items=COURSES.filter(pl.col(ITEM_ID) != "c"))
    assert dict(zip(dataset.item_ids, dataset.available, strict=True)) == {
        "a": True,
        "b": True,
        "c": False,
        "new": True,
    }
    lists = Ease().fit(dataset, seed=1).recommend(pl.Series([1, 2]), k=4)
    assert "c" not in lists[ITEM_ID].to_list()


def test_a_content_model_learns_from_the_columns():
    lists = Content().fit(Dataset.from_frames(LOG, items=COURSES), seed=1).recommend(pl.Series([2]), k=1)
    assert lists[ITEM_ID].to_list() == ["new"]


def column(name: str, values: list[object]) -> pl.DataFrame:
    """The log with one column replaced or added."""
    return LOG.with_columns(pl.Series(name, values))


REFUSED = {
    "no user": ((LOG.rename({USER_ID: "learner"}),), "interactions has no column user_id; saw .*learner.*rename"),
    "no rows": ((LOG.clear(),), "has no rows; give at least one row"),
    "null id": ((column(ITEM_ID, ["a", None, "a", "b", "c"]),), "item_id of interactions lacks an id; saw 'row 1'"),
    "ids of floats": ((column(USER_ID, [1.5] * 5),), "user_id of interactions holds no ids; saw 'type Float64'; cast"),
    "score is text": ((column(SCORE, ["5"] * 5),), "score holds no numbers; saw 'type String'; cast"),
    "score is no number": ((column(SCORE, [1.0, float("nan")] * 2 + [1.0]),), "no finite number; saw 'nan in row 1'"),
    "score is too large": ((column(SCORE, [1.0, 1e39, 1.0, 1.0, 1.0]),), r"no finite number; saw '1e\+39 in row 1'"),
    "id is too large": (
        (column(USER_ID, pl.Series([1, 2, 2**64 - 1, 1, 2], dtype=pl.UInt64)),),
        r"user_id of interactions holds an id beyond 9223372036854775807; saw '?18446744073709551615'?; cast",
    ),
    "score is null": ((column(SCORE, [1.0, None, 1.0, 1.0, 1.0]),), "no finite number; saw 'None in row 1'"),
    "time is text": ((column(TIMESTAMP, ["2024-01-01"] * 5),), r"timestamp holds no times.*String.*to_datetime"),
    "item twice": ((LOG, None, pl.concat([COURSES, COURSES])), "item_id of items holds an id twice; saw 'a'; keep one"),
    "other type": (
        (LOG, pl.DataFrame({USER_ID: ["1"]})),
        "user_id of users is of another type.*String and Int64.*cast",
    ),
    "no frame": (([1, 2, 3],), "The frame of interactions has no column user_id"),
    "no table": ((7,), "frame of interactions cannot be read.*give a frame of polars or pandas"),
    "mixed": ((pd.DataFrame({USER_ID: [1, "a"], ITEM_ID: [1, 2]}),), "interactions cannot be read.*one type each"),
}


@pytest.mark.parametrize(("frames", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(frames, message):
    with pytest.raises(DataRefused, match=message):
        Dataset.from_frames(*frames)


def test_a_score_beyond_the_range_is_refused():
    with pytest.raises(DataRefused, match=r"score exceeds the highest score 5; saw 10\.0; widen score_range"):
        Dataset.from_frames(column(SCORE, [1, 10, 2, 3, 4]), score_range=(1, 5))


def test_a_score_below_zero_is_kept():
    dataset = Dataset.from_frames(column(SCORE, [1, -5, 1, 1, 1]))
    assert dataset.positives().nnz == 4
    assert np.isclose(dataset.scores().min(), -5)
    assert contract.Dataset is Dataset
