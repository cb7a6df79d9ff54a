from types import SimpleNamespace

import numpy as np
from scipy.sparse import csr_array

from nightschool.evaluation.ranked_lists import RankedLists, Tally

AVAILABLE = np.array([True, True, False])


def tally(items, relevant, seen):
    relevant = csr_array(np.array(relevant, dtype=bool))
    facts = SimpleNamespace(relevant=relevant, n_relevant=np.diff(relevant.indptr), n_seen=np.array(seen))
    items = np.array(items, dtype=np.int32)
    users = np.arange(len(items), dtype=np.int32)
    return Tally.of(RankedLists(items, users, items > 9, facts, AVAILABLE), (1, 2))


def test_counts_of_users_apart_add_up_to_those_of_all():
    first = tally([[0, 1]], [[False, True, True]], [2])
    other = tally([[0, -1], [1, 0]], [[True, False, False], [False, False, False]], [0, 0])
    all_of_them = tally([[0, 1], [0, -1], [1, 0]], [[False, True, True], [True, False, False], [False] * 3], [2, 0, 0])
    added = first + other
    assert {k: shown.tolist() for k, shown in added.shown.items()} == {1: [2, 1, 0], 2: [3, 2, 0]}
    assert (added.relevant, added.outside, added.cold_users) == (3, 1, 1)
    assert (all_of_them.relevant, all_of_them.outside, all_of_them.cold_users) == (3, 1, 1)
    assert all((all_of_them.shown[k] == added.shown[k]).all() for k in (1, 2))
