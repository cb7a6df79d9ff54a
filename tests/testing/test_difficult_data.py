from typing import cast

import numpy as np
import pytest

from models.baselines.popularity import Popularity
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.testing.difficult_data import DIFFICULT, DifficultDataContract


class Infinite(Popularity):
    def _score(self, user_indices: Indices) -> Float32s:
        return np.full((len(user_indices), len(self.counts)), np.inf, dtype=np.float32)


class Silent(Popularity):
    needs_times = True

    def require_data(self, dataset: Dataset) -> None:
        pass


@pytest.mark.parametrize(("model", "case"), [(Infinite, "one item"), (Silent, "no times")])
def test_a_model_that_neither_lists_nor_refuses_fails_the_contract(model: type[Popularity], case: str) -> None:
    contract = cast("DifficultDataContract", type("Contract", (DifficultDataContract,), {"model": model})())
    assert case in DIFFICULT
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        contract.test_difficult_data_give_whole_lists_or_a_reason(case)
