import numpy as np
from scipy.sparse import csr_array

from nightschool.contract import Pool
from nightschool.ranking.fallback import Fallback
from nightschool.ranking.topk import Ranking


def test_only_users_about_whom_nothing_is_known_get_their_audiences_list_without_what_they_saw():
    fallback = Fallback(
        scores=np.array([[3, 2, 1], [1, 2, 3]], dtype=np.float32),
        of_user=np.array([0, 1, 1], dtype=np.int32),
        cold_users=np.array([True, False, False]),
        history=csr_array(np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=np.float32)),
        available=np.array([True, True, True]),
    )
    nothing = np.zeros((3, 0), dtype=np.int32)
    pool = Pool(
        nothing,
        nothing[None].astype(np.float32),
        nothing.astype(np.uint32),
        np.array([[1.0, 0.0, 1.0]], dtype=np.float32),
    )
    ranking = Ranking(np.full((3, 2), 7, dtype=np.int32), np.full((3, 2), 7, dtype=np.float32))
    quiet = fallback.replace_quiet(ranking, pool, np.arange(3, dtype=np.int32))
    assert quiet.tolist() == [True, True, False]
    assert ranking.items.tolist() == [[0, 1], [1, 0], [7, 7]]
    assert ranking.scores.tolist() == [[3, 2], [2, 1], [7, 7]]
