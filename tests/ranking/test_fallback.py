import numpy as np
from scipy.sparse import csr_array

from nightschool.ranking.fallback import Fallback


def test_only_users_about_whom_nothing_is_known_get_their_audiences_scores_without_what_they_saw():
    fallback = Fallback(
        scores=np.array([[3, 2, 1], [1, 2, 3]], dtype=np.float32),
        of_user=np.array([0, 1, 1], dtype=np.int32),
        strangers=np.array([True, False, False]),
        history=csr_array(np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=np.float32)),
        available=np.array([True, True, True]),
    )
    standardised = np.array([[[1, -1, 0], [0, 0, 0], [1, -1, 0]]], dtype=np.float32)
    blended = np.full((3, 3), 7, dtype=np.float32)
    quiet = fallback.replace_quiet(blended, standardised, np.arange(3, dtype=np.int32))
    assert quiet.tolist() == [True, True, False]
    assert blended.tolist() == [[3, 2, 1], [1, 2, -np.inf], [7, 7, 7]]
