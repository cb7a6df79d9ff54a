import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.sequential.sasrec import SasRec
from models.sequential.sasrec_config import SasRecConfig
from models.sequential.sasrec_network import encode
from nightschool.contract import Dataset
from nightschool.errors import ConfigurationError, Unavailable
from nightschool.histories import Histories
from nightschool.testing.datasets import make_dataset
from nightschool.testing.recommender import RecommenderContract
from tests.models.sequential.courses import FOLLOW, courses

SMALL = {"width": 8, "length": 4, "epochs": 2, "batch": 64, "dropout": 0.0}
N_STEPS = 12


class TestSasRec(RecommenderContract):
    model = SasRec
    params = SMALL
    refuses = FOLLOW
    likes_may_lower_scores = True


def circle() -> Dataset:
    """Each learner begins somewhere on a circle of courses and takes the next five."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        {"user_id": user, "item_id": (user * 7 + step) % N_STEPS, "timestamp": start + timedelta(days=step)}
        for user in range(120)
        for step in range(6)
    ]
    return Dataset.from_frames(pl.DataFrame(rows))


@pytest.fixture(scope="module")
def circling() -> tuple[SasRec, Dataset]:
    config = SasRecConfig(width=16, length=4, batch=64, learning_rate=0.01, patience=3, blocks=2, heads=2)
    return SasRec(config).fit(circle(), seed=3), circle()


def test_a_planted_sequence_is_found(circling: tuple[SasRec, Dataset]) -> None:
    model, dataset = circling
    lists = model.recommend(dataset.user_ids, 1)
    assert lists.select((pl.col("item_id") == (pl.col("user_id") * 7 + 6) % N_STEPS).mean()).item() > 0.98


def test_scores_are_those_of_the_network_in_jax(circling: tuple[SasRec, Dataset]) -> None:
    model, dataset = circling
    network = model.network()
    rows, seen = network.newest(dataset.histories())
    parameters = {name: getattr(model, name) for name in model.learned if name != "items"}
    states = np.asarray(encode(parameters, rows, seen.astype(np.int32)))[:, -1]
    np.testing.assert_allclose(network.encode(rows, seen), states, atol=1e-5)
    expected = (states @ model.vectors.T)[:, model.items]
    np.testing.assert_allclose(model.score(np.arange(dataset.n_users, dtype=np.int32)), expected, atol=1e-5)


def test_one_learned_item_and_ten_thousand_and_equal_times() -> None:
    n_items = 10_000
    pairs = [(0, item, 1.0) for item in range(n_items)] + [(user, user, 1.0) for user in range(1, 20)]
    dataset = make_dataset(pairs, 21, n_items)
    first = dataset.interactions["timestamp"][0]
    dataset = Dataset(**{**vars(dataset), "interactions": dataset.interactions.with_columns(timestamp=pl.lit(first))})
    config = SasRecConfig(**{**SMALL, "epochs": 1, "negatives": 256})
    scores = SasRec(config).fit(dataset, seed=0).score(np.arange(21, dtype=np.int32))
    assert np.isfinite(scores).all()
    assert not scores[20].any()
    assert scores[0].any()


def test_repeats_in_a_row_are_one_place_and_equal_times_are_in_the_order_of_the_rows() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [(user, (user + step) % 12, start + timedelta(days=step)) for user in range(12) for step in range(6)]
    found = []
    for log in (rows, [row for row in rows for _ in range(1 + row[1] % 3)], [(*row[:2], start) for row in rows]):
        frame = pl.DataFrame(log, schema=["user_id", "item_id", "timestamp"], orient="row")
        model = SasRec(SasRecConfig(**SMALL)).fit(Dataset.from_frames(frame), seed=0)
        found.append(model.score(np.arange(12, dtype=np.int32)))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_a_history_without_order_is_refused(circling: tuple[SasRec, Dataset]) -> None:
    with pytest.raises(ConfigurationError, match="needs the order"):
        circling[0].fold_in(Histories(circling[1].history()))


def test_without_jax_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "models.sequential.sasrec_training", raising=False)
    monkeypatch.delitem(sys.modules, "models.neural.jax_steps", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(Unavailable, match=r"JAX and optax, which are not installed.*nightschool\[neural\]"):
        SasRec(SasRecConfig(**SMALL)).fit(courses(), seed=0)


def test_jax_is_imported_for_training_alone() -> None:
    script = (
        "import sys; import models.catalog as catalog; import models.published, nightschool.ranking.self_attention;"
        "catalog.create('sasrec', {}); catalog.space('sasrec');"
        "assert not {'jax', 'optax'} & set(sys.modules), 'JAX was imported'"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
