import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nightschool.ranking.heap import is_worse, sift_down, sift_up, sort_best_first


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 8))
def test_a_heap_of_the_best_is_sorted_best_first_with_ties_by_index(scores, k):
    items, values = np.full(k, -1, dtype=np.int32), np.full(k, -np.inf, dtype=np.float32)
    kept = 0
    for item, score in enumerate(scores):
        if kept < k:
            sift_up(items, values, kept, item, np.float32(score))
            kept += 1
        elif is_worse(values[0], items[0], np.float32(score), item):
            sift_down(items, values, kept, item, np.float32(score))
    sort_best_first(items, values, kept)
    best = sorted(range(len(scores)), key=lambda item: -scores[item])[:k]
    assert items[:kept].tolist() == best
    assert values[:kept].tolist() == [scores[item] for item in best]
