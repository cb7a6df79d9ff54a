import numpy as np
import pytest

from nightschool.data.density import mean_degree
from tests.data.logs import log_of


@pytest.mark.parametrize(
    ("rows", "likes"),
    [
        ([(0, 0, 1), (0, 1, 1), (1, 0, 2), (1, 1, 2)], 2.0),
        ([(0, 0, 1), (0, 0, 2), (1, 1, 2)], 1.0),
        ([(0, item, 1) for item in range(4)], 2.0),
    ],
    ids=["two by two", "a repeat is one", "one user, four items"],
)
def test_likes_a_row_are_the_geometric_mean_of_both_sides(rows, likes):
    assert mean_degree(log_of(rows).dataset().positives()) == pytest.approx(likes)


def test_without_a_like_there_are_none():
    log = log_of([(0, 0, 1), (1, 1, 2)])
    assert mean_degree(log.dataset(np.zeros(2, dtype=bool)).positives()) == 0
