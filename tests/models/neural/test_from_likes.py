from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array

from models.neural.config import TrainingConfig
from models.neural.from_likes import FromLikes
from models.neural.training import Trained
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.testing.datasets import make_dataset

seen: list[csr_array] = []


class Counting(FromLikes):
    """Scores an item by how many of those who like it are there."""

    config_type = TrainingConfig
    training = "counting"
    learned = ("items", "counts")

    def scorer(self) -> SimpleNamespace:
        return SimpleNamespace(score=lambda likes: np.tile(self.counts, (likes.shape[0], 1)))

    def gigabytes(self, likes: csr_array) -> float:
        return 2.0

    def training_seconds(self, shape: Shape) -> float:
        return 1.0


Counting.name = "counting"


def train(likes: csr_array, _config: TrainingConfig, _seed: int) -> Trained:
    seen.append(likes)
    return Trained({"counts": np.bincount(likes.indices).astype(np.float32)}, "short")


@pytest.fixture(autouse=True)
def importing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.neural.jax_model.import_module", lambda _: SimpleNamespace(train=train))


def test_users_and_items_without_likes_are_left_out_and_come_back_with_the_lowest_score() -> None:
    pairs = [(1, 2, 5.0), (1, 4, 5.0), (3, 4, 1.0), (3, 0, 0.0)]
    model = Counting().fit(make_dataset(pairs, 5, 6), seed=0)
    assert seen[-1].toarray().tolist() == [[1, 1], [0, 1]]
    assert model.items.tolist() == [-1, -1, 0, -1, 1, -1]
    assert model.score(np.array([0], dtype=np.int32)).tolist() == [[1, 1, 1, 1, 2, 1]]
    assert model.note == "short"


def test_without_likes_and_beyond_its_memory_it_refuses() -> None:
    with pytest.raises(DataRefused, match=r"counting needs likes.*leave counting out"):
        Counting().fit(make_dataset([(0, 0, 0.0)], 1, 1), seed=0)
    with pytest.raises(ConfigurationError, match=r"needs 2 GB.*lower counting\.batch"):
        Counting(TrainingConfig(max_gigabytes=1.0)).fit(make_dataset([(0, 0, 5.0)], 1, 1), seed=0)
