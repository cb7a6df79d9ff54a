from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from models.side_features import item_traits, user_traits
from nightschool.item_columns import ItemColumns


@pytest.fixture
def timed(dataset_of):
    """User 0 rated on days 1 and 3, user 1 on day 5, user 2 never; item 1 is of kind b."""
    dataset = dataset_of([(0, 0, 1.0), (0, 1, 5.0), (1, 1, 3.0)], 3, 2)
    days = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 3, 5)]
    return replace(
        dataset,
        interactions=dataset.interactions.with_columns(timestamp=pl.Series(days, dtype=pl.Datetime("us", "UTC"))),
        items=dataset.items.with_columns(kind=pl.Series(["a", "b"])),
        item_columns=ItemColumns(categories=("kind",)),
    )


def test_how_much_is_known_from_when_and_labels(timed):
    """Days −2, 0 and 2 about the mean, of which the standard deviation is √(8/3)."""
    day = np.sqrt(3 / 8)
    assert np.allclose(user_traits(timed), [[np.log(3), -day], [np.log(2), 2 * day], [0, 0], [0, 0]])
    assert np.allclose(item_traits(timed), [[np.log(2), -2 * day, 1, 0], [np.log(3), day, 0, 1], [0, 0, 0, 0]])


def test_without_times_nothing_is_early_or_late(timed):
    untimed = timed.interactions.with_columns(timestamp=pl.lit(None, pl.Datetime("us", "UTC")))
    for pairs in (untimed, untimed.drop("timestamp")):
        assert not user_traits(replace(timed, interactions=pairs))[:, 1].any()


def test_what_is_not_learned_from_is_not_known(timed):
    traits = user_traits(replace(timed, learned=np.array([True, True, False])))
    assert traits[1].tolist() == [0, 0]
