from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array

from models.neural.config import TrainingConfig
from models.neural.held_out import HeldOut
from models.neural.likes_task import LikesTask, Scores
from models.neural.training import Parameters
from nightschool.contract import Float32s

LIKES = csr_array((np.random.default_rng(0).random((40, 30)) < 0.3).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Constant(LikesTask):
    name: ClassVar[str] = "constant"

    def initial(self) -> dict[str, Float32s]:
        return {"scores": np.ones(self.likes.shape[1], np.float32)}

    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        return 0.0, parameters, moments

    def scores(self, parameters: Parameters) -> Scores:
        n_users = len(self.held_out.users)
        return lambda block: np.tile(parameters["scores"], (len(range(n_users)[block]), 1))


def task() -> Constant:
    return Constant(*HeldOut.of(LIKES, 0), TrainingConfig(), 3)


def test_the_value_is_that_of_what_is_held_out_and_without_any_the_loss() -> None:
    held = task()
    assert held.value(held.initial(), 0.5) == held.held_out.ndcg(held.scores(held.initial())) > 0
    none = HeldOut(np.zeros(0, np.int32), LIKES[:0], LIKES[:0])
    assert replace(held, held_out=none).value({}, 0.5) == -0.5


def test_other_likes_and_other_seeds_are_another_training() -> None:
    facts = [
        [np.asarray(fact).tolist() for fact in each.facts()]
        for each in (task(), task(), replace(task(), likes=LIKES), replace(task(), seed=4))
    ]
    assert facts[0] == facts[1]
    assert facts[0] not in facts[2:]


def test_popular_items_are_drawn_more_often_by_the_power_of_three_quarters() -> None:
    counts = task().counts()
    assert counts.tolist() == task().likes.sum(axis=0).astype(int).tolist()
    np.testing.assert_allclose(np.diff(np.exp(task().draws.logs)), np.diff(counts**0.75 / sum(counts**0.75)), atol=1e-6)
