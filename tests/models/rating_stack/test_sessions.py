import numpy as np
import pytest
from scipy.sparse import csr_array

from models.rating_stack.sessions import Sessions

# User 0 scores the items 0, 1 and 1, 2 within a minute; user 1 the items 1 and 2, and 0 a day later.
USERS = np.array([0, 0, 0, 1, 1, 1], dtype=np.int32)
ITEMS = np.array([0, 1, 2, 0, 1, 2], dtype=np.int32)
SECONDS = np.array([0, 60, 120, 100_000, 10, 10])


@pytest.fixture
def sessions():
    return Sessions.of(USERS, ITEMS, SECONDS, 4)


def test_meetings_are_scores_of_one_user_within_a_minute(sessions):
    assert sessions.co_occurrence.toarray().tolist() == [[0, 1, 0, 0], [1, 0, 2, 0], [0, 2, 0, 0], [0, 0, 0, 0]]
    assert np.allclose(sessions.rarity, 1 / np.sqrt([7, 7, 7, 5]))


def test_without_times_nothing_meets():
    assert Sessions.of(USERS, ITEMS, np.empty(0, dtype=np.int64), 4).co_occurrence.nnz == 0


def test_company_speaks_by_how_often_it_was_met(sessions):
    rated = csr_array(np.array([[1, 0, 1, 1], [0, 0, 0, 1]], dtype=np.float32))
    values = np.array([[3.0], [-1.0], [50.0], [50.0]], dtype=np.float32)
    users, items = np.array([[0, 1], [1, 1], [-1, 1], [0, -1]], dtype=np.int32).T
    means, closest = sessions.company(users, items, rated, values)
    by_meetings, by_closeness = (3 - 2) / (5 + 3), (3 / 7 - 2 / 7) / (0.05 + 3 / 7)
    assert np.allclose(means, [[by_meetings, by_closeness], [0, 0], [0, 0], [0, 0]])
    assert closest.tolist() == [1, -1, -1, -1]
