from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.neural.neural_hybrid import NeuralHybrid
from models.neural.neural_hybrid_config import NeuralHybridConfig
from nightschool.columns import ITEM_ID, ITEM_INDEX, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Dataset
from nightschool.item_columns import ItemColumns
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.devices import DEVICES
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth
from nightschool.testing.datasets import make_dataset, two_tastes
from nightschool.testing.recommender import RecommenderContract
from tests.models.neural.tastes import REFUSES, share_of_own_taste

SMALL = {"factors": 6, "hidden": 8, "epochs": 3, "learning_rate": 0.01}
LONGER = {"factors": 8, "hidden": 8, "batch": 10, "learning_rate": 0.01, "epochs": 60}
PAINTING, ALGEBRA = 20, 21


class TestNeuralHybrid(RecommenderContract):
    model = NeuralHybrid
    params = SMALL
    refuses = REFUSES
    likes_may_lower_scores = True


@pytest.mark.parametrize("settings", [{}, {"loss": "binary"}, {"whole_catalogue": 0, "negatives": 256}])
def test_planted_tastes_are_found_and_new_items_are_ranked_by_what_is_said_of_them(settings: dict[str, object]) -> None:
    dataset = two_tastes()
    model = NeuralHybrid(NeuralHybridConfig(**LONGER, **settings)).fit(dataset, seed=0)
    assert share_of_own_taste(model) > 0.9
    scores = model.score(np.arange(40, dtype=np.int32))
    painters = np.arange(40) % 2 == 1
    assert scores[painters, PAINTING].mean() > scores[painters, :10].mean(axis=1).mean()
    assert scores[~painters, PAINTING].mean() < scores[~painters, :10].mean(axis=1).mean()


def test_vectors_of_items_say_what_words_do_not() -> None:
    """A new item whose vector is that of paintings is ranked like them where no word is known."""
    dataset = two_tastes()
    paints = np.array([10 <= item <= PAINTING for item in range(22)])
    towards = pl.Series("image", np.where(paints[:, None], [1.0, 0.0], [0.0, 1.0]).tolist(), pl.List(pl.Float32))
    items = dataset.items.select(ITEM_ID, "title", text=None).with_columns(towards)
    dataset = replace(dataset, items=items, item_columns=ItemColumns(vectors=("image",)))
    scores = NeuralHybrid(NeuralHybridConfig(**LONGER)).fit(dataset, seed=0).score(np.arange(40, dtype=np.int32))
    painters = np.arange(40) % 2 == 1
    assert scores[painters, PAINTING].mean() > scores[~painters, PAINTING].mean() + 1


def test_an_item_without_likes_and_description_has_the_lowest_score() -> None:
    pairs = [(user, item, 5.0) for user in range(30) for item in range(user % 3, 6)] + [(0, 6, 0.0)]
    scores = NeuralHybrid(NeuralHybridConfig(**SMALL)).fit(make_dataset(pairs, 31, 8), seed=0)
    found = scores.score(np.arange(31, dtype=np.int32))
    np.testing.assert_array_equal(found[:, 6:], found[:, :6].min(axis=1, keepdims=True).repeat(2, axis=1))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Truth]:
    """A simulated platform, on which what suits a device is chosen on it more often."""
    folder: Path = tmp_path_factory.mktemp("platform")
    report = simulate(SimulatorConfig(users=600, items=80, interactions=30_000, seed=1, devices=True), folder)
    log = pl.read_csv(report.files[2], try_parse_dates=True).rename({"content_id": ITEM_ID})
    log = log.sort(TIMESTAMP).unique([USER_ID, ITEM_ID], keep="last", maintain_order=True)
    dataset = Dataset.from_frames(log.select(USER_ID, ITEM_ID, TIMESTAMP))
    ids = dataset.interactions.select(
        dataset.user_ids.gather(dataset.interactions[USER_INDEX]),
        dataset.item_ids.gather(dataset.interactions[ITEM_INDEX]),
    )
    devices = ids.join(log, on=[USER_ID, ITEM_ID], how="left", maintain_order="left")["device"].cast(pl.Categorical)
    return replace(dataset, interactions=dataset.interactions.with_columns(devices)), Truth.read(
        folder / "truth.parquet"
    )


def test_a_device_moves_lists_where_the_truth_of_the_simulator_says_so(platform: tuple[Dataset, Truth]) -> None:
    dataset, truth = platform
    model = NeuralHybrid(NeuralHybridConfig(factors=16, hidden=16, epochs=40)).fit(dataset, seed=0)
    users = np.arange(dataset.n_users, dtype=np.int32)
    by_device = np.stack([model.score_in_context(users, {"device": name}).mean(axis=0) for name in DEVICES], axis=1)
    suits = np.log(truth.suits[np.array(dataset.item_ids.to_list()) - 1])
    learned = np.bincount(dataset.pairs[ITEM_INDEX].to_numpy(), minlength=dataset.n_items) > 20
    found, planted = (each[learned] - each[learned].mean(axis=1, keepdims=True) for each in (by_device, suits))
    found -= found.mean(axis=0)
    planted -= planted.mean(axis=0)
    assert np.corrcoef(found.ravel(), planted.ravel())[0, 1] > 0.5
    assert not np.array_equal(model.score(users), model.score_in_context(users, {"device": DEVICES[0]}))


def test_a_context_that_the_data_did_not_have_moves_nothing(platform: tuple[Dataset, Truth]) -> None:
    dataset, _ = platform
    model = NeuralHybrid(NeuralHybridConfig(**SMALL)).fit(dataset, seed=0)
    users = np.arange(5, dtype=np.int32)
    np.testing.assert_array_equal(
        model.score(users), model.score_in_context(users, {"device": "watch", "mood": "good"})
    )
