from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from scipy.sparse import csr_array

from models.neural.contexts import Contexts
from models.neural.held_out import HeldOut
from models.neural.neural_hybrid_config import NeuralHybridConfig
from models.neural.neural_hybrid_training import NeuralHybridTask, train
from models.neural.occasions import Occasions, codes_of_entries

N_USERS, N_ITEMS = 40, 30
RNG = np.random.default_rng(0)
LIKES = csr_array((RNG.random((N_USERS, N_ITEMS)) < 0.3).astype(np.float32))
ATTRIBUTES, DESCRIPTIONS = (RNG.standard_normal((n, 3)).astype(np.float32) for n in (N_USERS, N_ITEMS))
CODES = RNG.integers(-1, 2, (LIKES.nnz, 1)).astype(np.int32)
CONTEXTS = Contexts(CODES, np.array([["device", "phone"], ["device", "desk"]]))
CONFIG = NeuralHybridConfig(factors=6, hidden=5, batch=16, epochs=4, learning_rate=0.01)


def task(codes: np.ndarray = CODES) -> NeuralHybridTask:
    left, held_out = HeldOut.of(LIKES, 0)
    occasions = Occasions(left, codes_of_entries(codes, LIKES, left), 2, ATTRIBUTES)
    return NeuralHybridTask(left, held_out, CONFIG, 3, occasions, DESCRIPTIONS)


def test_training_gives_what_scores_and_the_same_bits() -> None:
    first, second = (train(LIKES, CONTEXTS, ATTRIBUTES, DESCRIPTIONS, CONFIG, 3).parameters for _ in range(2))
    assert {name: array.shape for name, array in first.items()} == {
        "ids": (30, 14),
        "content": (4, 5),
        "described": (6, 14),
        "inner": (8, 5),
        "outer": (6, 6),
        "attributes": (3, 6),
        "contexts": (2, 6),
    }
    assert all(np.array_equal(first[name], second[name]) for name in first)
    other = train(LIKES, CONTEXTS, ATTRIBUTES, DESCRIPTIONS, CONFIG, 4).parameters
    assert not np.array_equal(other["ids"], first["ids"])


def test_passes_lower_the_loss() -> None:
    trained = task()
    parameters = trained.initial()
    moments, losses = trained.moments(parameters), []
    for number in range(20):
        loss, parameters, moments = trained.epoch(parameters, moments, number)
        losses.append(loss)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.05


def test_an_untrained_network_ranks_what_is_held_out() -> None:
    assert 0 < task().value(task().initial(), 0.5) < 1


@pytest.mark.parametrize("drawn_from", ["popularity", "uniform", "batch"])
def test_drawn_items_teach_too(drawn_from: Literal["popularity", "uniform", "batch"]) -> None:
    config = CONFIG.model_copy(update={"whole_catalogue": 0, "negatives": 256, "drawn_from": drawn_from})
    trained = replace(task(), config=config)
    parameters = trained.initial()
    moments, losses = trained.moments(parameters), []
    for _ in range(40):
        loss, parameters, moments = trained.epoch(parameters, moments, 0)
        losses.append(loss)
    assert losses[-1] < losses[0] - 0.1


def test_other_contexts_are_another_training() -> None:
    facts = [[np.asarray(fact).tolist() for fact in each.facts()] for each in (task(), task(), task(CODES * 0))]
    assert facts[0] == facts[1] != facts[2]
