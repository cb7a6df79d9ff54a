from dataclasses import replace

import numpy as np
import pytest

from models import catalog
from models.reranker.features.all import CandidateFeatures
from models.reranker.features.base import Candidates
from models.reranker.features.history import content_nearness
from models.reranker.features.order import Order
from nightschool.contract import Dataset
from tests.models.sequential.courses import courses, sequences

N_TRANSITIONS = 5


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return courses()


def shares(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Transitions of all pairs of items to what comes after and before, by plain loops."""
    after = np.zeros((dataset.n_items, dataset.n_items))
    for items in sequences(dataset):
        for place, item in enumerate(items):
            for distance, later in enumerate(items[place + 1 : place + 6]):
                after[item, later] += 0.5**distance
    counts = np.bincount(dataset.interactions["item_index"].to_numpy(), minlength=dataset.n_items)[:, None]
    return after / counts, after.T / counts


def test_transitions_are_shares_of_those_who_have_the_item(dataset: Dataset) -> None:
    order = Order.of(dataset)
    after, before = shares(dataset)
    np.testing.assert_allclose(order.after.toarray(), after, atol=1e-6)
    np.testing.assert_allclose(order.before.toarray(), before, atol=1e-6)


def test_columns_look_from_the_last_items_and_compare_places(dataset: Dataset) -> None:
    order, (after, before) = Order.of(dataset), shares(dataset)
    users = np.array([3, 7], dtype=np.int32)
    everything = np.tile(np.arange(dataset.n_items, dtype=np.int32), 2)
    found = order.columns(Candidates(users, np.array([0, 1, 2]) * dataset.n_items, everything))
    assert len(found) == len(order.names)
    places = [place for items in sequences(dataset) for place in enumerate(items)]
    histories = list(sequences(dataset))
    for row, user in enumerate(users):
        own = histories[user][::-1]
        expected = [
            *(after[own[age]] if age < len(own) else np.zeros(dataset.n_items) for age in range(3)),
            sum(np.exp(-age / 3) * after[item] for age, item in enumerate(own[:10])),
            before[own[0]],
        ]
        columns = found[:, row * dataset.n_items : (row + 1) * dataset.n_items]
        for column, values in zip(columns, expected, strict=False):
            spread = values.std()
            np.testing.assert_allclose(column, (values - values.mean()) / spread if spread else 0 * values, atol=1e-4)
        mean_place = np.mean([np.log1p(place) for place, item in places if item == 4])
        assert columns[N_TRANSITIONS, 4] == pytest.approx(mean_place, abs=1e-5)
        assert columns[N_TRANSITIONS + 1, 4] == pytest.approx(mean_place - np.log1p(len(own)), abs=1e-5)


def test_without_an_order_nothing_is_known(dataset: Dataset) -> None:
    bare = replace(dataset, interactions=dataset.interactions.drop("timestamp"))
    found = Order.of(bare).columns(Candidates(np.array([0]), np.array([0, 2]), np.array([1, 2])))
    assert np.isnan(found).all()


def test_rerankers_written_before_have_no_columns_of_order(dataset: Dataset, tmp_path) -> None:
    features = CandidateFeatures.of(dataset, content_nearness(dataset))
    features.save(tmp_path)
    (tmp_path / "order.npz").unlink()
    before = CandidateFeatures.load(tmp_path)
    assert set(features.names(["ease"])) - set(before.names(["ease"])) == set(Order.of(dataset).names)


def test_a_reranker_learns_from_the_order(dataset: Dataset) -> None:
    parameters = {"cut": "last", "min_leaf": 5, "trees": 20}
    recipe = catalog.Recipe.model_validate({"components": [{"model": "popularity"}], "reranker": parameters})
    reranker = catalog.build(recipe).fit(dataset, seed=0).reranker
    assert reranker is not None
    gains = reranker.importances(["popularity"])
    assert sum(share for name, share in gains.items() if name.startswith("transition")) > 0.2
