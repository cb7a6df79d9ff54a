"""The contract fails where a recommender breaks it: each model here is wrong in one way."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from models.baselines.popularity import Popularity
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.testing.datasets import two_tastes
from nightschool.testing.recommender import Case, RecommenderContract


class Unseeded(Popularity):
    def _learn(self, dataset: Dataset, seed: int) -> None:
        super()._learn(dataset, seed)
        self.counts += np.random.default_rng().random(len(self.counts), dtype=np.float32)


class Sharing(Popularity):
    def _score(self, user_indices: Indices) -> Float32s:
        return np.broadcast_to(self.counts, (len(user_indices), len(self.counts)))


class Forgetful(Popularity):
    learned = ()


class SaidPersonal(Popularity):
    personal = True


class NotNumbers(Popularity):
    def _score(self, user_indices: Indices) -> Float32s:
        return np.full((len(user_indices), len(self.counts)), np.nan, dtype=np.float32)


BROKEN: dict[type[Popularity], Callable[[RecommenderContract, Case, Path], None]] = {
    Unseeded: lambda contract, case, _: (
        contract.test_the_same_seed_gives_the_same_bits_and_a_second_fit_replaces_the_first(case)
    ),
    Sharing: lambda contract, case, _: contract.test_scores_may_be_overwritten(case),
    Forgetful: lambda contract, case, folder: contract.test_saved_and_loaded_it_is_equal(case, folder),
    SaidPersonal: lambda contract, case, _: contract.test_it_is_as_personal_as_it_says(case),
    NotNumbers: lambda contract, case, _: contract.test_it_keeps_the_protocol(case),
}


@pytest.mark.parametrize("model", BROKEN)
def test_a_broken_model_fails_its_part_of_the_contract(model: type[Popularity], tmp_path: Path) -> None:
    contract = cast("RecommenderContract", type("Contract", (RecommenderContract,), {"model": model})())
    dataset = two_tastes()
    with pytest.raises((AssertionError, AttributeError, ValueError)):
        BROKEN[model](contract, Case(model().fit(dataset, seed=1), dataset), tmp_path)
