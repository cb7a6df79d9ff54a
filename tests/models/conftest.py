"""Datasets small enough to reason about, one of them with an answer that is known beforehand."""

from collections.abc import Callable

import pytest

from nightschool.contract import Dataset
from nightschool.testing.datasets import Pairs, make_dataset, two_tastes


@pytest.fixture(scope="session")
def dataset_of() -> Callable[[Pairs, int, int], Dataset]:
    return make_dataset


@pytest.fixture(scope="session")
def planted() -> Dataset:
    return two_tastes()
