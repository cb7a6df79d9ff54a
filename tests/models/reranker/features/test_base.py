from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from models.reranker.features.base import Candidates, FeatureGroup


@dataclass(frozen=True, eq=False)
class Group(FeatureGroup):
    by_user = ("rows", "matrix")

    rows: np.ndarray
    matrix: csr_array
    items: np.ndarray
    names = ("first",)

    @classmethod
    def of(cls, dataset):
        return cls(np.arange(3), csr_array(np.diag([1, 2, 3])), np.arange(4))

    def columns(self, candidates):
        return self.rows[candidates.owners][None].astype(np.float32)


def test_candidates_know_whose_they_are():
    candidates = Candidates(np.array([5, 2]), np.array([0, 1, 4]), np.array([9, 9, 9, 9]))
    assert candidates.owners.tolist() == [5, 2, 2, 2]


def test_without_a_user_the_rows_behind_move_up():
    without = Group.of(None).without(1)
    assert without.rows.tolist() == [0, 2]
    assert without.matrix.toarray().tolist() == [[1, 0, 0], [0, 0, 3]]
    assert without.items.tolist() == [0, 1, 2, 3]


def test_arrays_make_the_group_again():
    group = Group.of(None)
    assert list(group.arrays()) == ["rows", "matrix", "items"]
    assert Group(**group.arrays()).matrix.sum() == 6
