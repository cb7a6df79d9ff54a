from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.catalog import create
from nightschool.contract import Dataset
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.night.prepare import prepare_events
from nightschool.night.release.neighbours import co_occurrence as co_occurrence_here
from nightschool.night.release.next_items import most_frequent, next_items
from nightschool.spark import item_weights
from nightschool.spark.item_weights import co_occurrence, follower_counts, item_neighbours, transitions
from nightschool.spark.matrices import write_matrices
from nightschool.spark.parts import Parts
from tests.spark.logs import divided, here, home_of, open_night, planted


@pytest.fixture
def both(tmp_path: Path, monkeypatch) -> tuple[Dataset, Parts]:
    # Blocks of three items.
    monkeypatch.setattr(item_weights, "BLOCK_BYTES", 3 * 4 * 26)
    night = open_night(home_of(planted(events=1500), tmp_path / "home"))
    return prepare_events(here(night)).log.dataset(), divided(night, tmp_path / "parts", 4, monkeypatch)


def same(found, expected) -> None:
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize(
    "params", [{}, {"neighbours": 3}, {"similarity": "pearson"}, {"shrinkage": 0.0, "neighbours": 7}], ids=str
)
def test_item_neighbours_have_the_same_bits(both, params, tmp_path: Path) -> None:
    dataset, parts = both
    model = create("itemknn", params)
    found = item_neighbours(parts, "everything", write_matrices(parts, "everything"), model, tmp_path / "scratch")
    same(found, create("itemknn", params).fit(dataset, seed=0).weights)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    reach=st.integers(1, 9),
    fading=st.floats(0.1, 1),
    backward=st.floats(0, 1),
    second_hop=st.floats(0, 1),
    popularity=st.floats(0, 1),
    weights_per_item=st.integers(1, 30),
)
def test_transitions_have_the_same_bits(both, tmp_path: Path, **params) -> None:
    dataset, parts = both
    counted = write_matrices(parts, "everything")
    found = transitions(parts, "everything", counted, create("transitions", params), tmp_path / "scratch")
    same(found, create("transitions", params).fit(dataset, seed=0).weights)


def test_tables_of_items_are_counted_the_same(both, tmp_path: Path) -> None:
    dataset, parts = both
    counted = write_matrices(parts, "everything")
    same(co_occurrence(parts, "everything", counted, tmp_path / "scratch"), co_occurrence_here(dataset))
    followers = follower_counts(parts, "everything", counted, tmp_path / "scratch")
    assert most_frequent(followers, counted.placed, dataset).equals(next_items(dataset))


def test_transitions_need_an_order_and_likes_that_follow_one_another(tmp_path: Path, monkeypatch) -> None:
    single = [(user, 100 + user % 3, 1.0, 10.0, True) for user in range(10, 20)]
    parts = divided(open_night(home_of(single, tmp_path / "home")), tmp_path / "parts", 2, monkeypatch)
    counted = write_matrices(parts, "everything")
    lonely = counted.__class__(**{**vars(counted), "placed": np.zeros_like(counted.placed)})
    with pytest.raises(ConfigurationError, match="order"):
        transitions(parts, "everything", lonely, create("transitions", {}), tmp_path)
    with pytest.raises(DataRefused, match="follow one another"):
        transitions(parts, "everything", counted, create("transitions", {}), tmp_path)
