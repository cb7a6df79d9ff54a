import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import KFold

from nightschool.columns import ITEM_ID, ITEM_INDEX, RATING, SCORE, USER_ID, USER_INDEX
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.splits.folds import fold_splits
from nightschool.errors import DataRefused
from tests.data.logs import as_ingested

RATED = Manifest.model_validate(
    {
        "name": "rated",
        "score": "rating",
        "interactions": {
            "files": ["x"],
            "user": "u",
            "item": "i",
            "rating": {"column": "r", "min": 1, "max": 20},
        },
    }
)


def table(first: int, n: int) -> pl.DataFrame:
    """The rows first … first + n − 1: user 1 rates item 100 + row with 1 + row."""
    rows = np.arange(first, first + n)
    return as_ingested(pl.DataFrame({USER_ID: np.ones(n, int), ITEM_ID: 100 + rows, RATING: 1.0 + rows}))


def log_of(n: int, n_given: int = 0) -> EventLog:
    return build_event_log(None, None, table(0, n), RATED, held_out=table(n, n_given) if n_given else None)


def test_the_folds_are_scikit_learns_over_the_rows_in_source_order() -> None:
    splits = list(fold_splits(log_of(12), seed=3))
    expected = [set(1.0 + test) for _, test in KFold(5, shuffle=True, random_state=3).split(np.arange(12))]
    assert [set(split.held_out[SCORE]) for split in splits] == expected
    assert [(split.name, split.protocol) for split in splits] == [(f"fold {fold}", "k-fold") for fold in range(1, 6)]


def test_each_event_is_held_out_once_and_learned_from_four_times() -> None:
    splits = list(fold_splits(log_of(12), seed=0))
    assert sorted(pl.concat([split.held_out for split in splits])[SCORE]) == [1.0 + row for row in range(12)]
    for split in splits:
        assert split.held_out.height + split.fitted.interactions.height == 12
        assert split.held_out.join(split.fitted.interactions, on=[USER_INDEX, ITEM_INDEX], how="semi").is_empty()


def test_a_given_hold_out_is_neither_learned_from_nor_measured() -> None:
    met = {score for split in fold_splits(log_of(10, n_given=5), seed=0) for score in split.held_out[SCORE]}
    assert met == {1.0 + row for row in range(10)}


def test_fewer_events_than_folds_are_refused() -> None:
    with pytest.raises(DataRefused, match=r"too few events for 5 folds; saw 4"):
        next(fold_splits(log_of(4), seed=0))
