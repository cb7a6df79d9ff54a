import numpy as np
from scipy.sparse import csr_array

from nightschool.ranking.context_lifts import Choices, ContextCounts, find_places, gains_in_context

RNG = np.random.default_rng(5)


def choices(n: int, n_users: int, n_items: int) -> Choices:
    users, items, values = (RNG.integers(size, size=n).astype(np.int32) for size in (n_users, n_items, 3))
    return Choices(np.sort(users), items, values)


def test_counts_are_those_of_plain_loops() -> None:
    users, items, values = choices(400, 9, 6)
    values[::7] = -1
    counts = ContextCounts.of(Choices(users, items, values), 6, 3, [])
    known = [(u, i, v) for u, i, v in zip(users, items, values, strict=True) if v >= 0]
    everyone = [sum(v == value for _, _, v in known) / len(known) for value in range(3)]
    seen, expected = np.zeros((3, 6)), np.zeros((3, 6))
    for user, item, value in known:
        seen[value, item] += 1
        theirs = [v for u, _, v in known if u == user]
        for each in range(3):
            expected[each, item] += (theirs.count(each) + 5 * everyone[each]) / (len(theirs) + 5)
    np.testing.assert_array_equal(counts.seen, seen)
    np.testing.assert_allclose(counts.expected, expected, rtol=1e-5)
    np.testing.assert_allclose(counts.lifts(4.0), np.log((seen + 4) / (expected + 4)), rtol=1e-4, atol=1e-5)


def test_lifts_shrink_towards_zero_and_towards_those_of_labels() -> None:
    seen, expected = np.array([[40.0, 4.0, 0.0]]), np.array([[20.0, 2.0, 1.0]])
    plain = ContextCounts(seen.astype(np.float32), expected.astype(np.float32))
    weak, strong = plain.lifts(0.001)[0], plain.lifts(1e6)[0]
    np.testing.assert_allclose(weak[:2], np.log(2), rtol=1e-3)
    np.testing.assert_allclose(strong, 0, atol=1e-4)
    assert 0 < plain.lifts(10.0)[0, 1] < plain.lifts(10.0)[0, 0] < np.log(2)
    labelled = ContextCounts(plain.seen, plain.expected, [csr_array(np.array([[1, 0], [1, 0], [0, 1]], np.float32))])
    assert labelled.lifts(10.0)[0, 1] > plain.lifts(10.0)[0, 1]
    np.testing.assert_allclose(labelled.lifts(1e3)[0, 2], plain.lifts(1e3)[0, 2], atol=2e-3)


def test_users_who_are_always_in_a_context_lift_nothing() -> None:
    """Evening users like item 0, others item 1: that is taste, and no effect of the evening."""
    users = np.repeat(np.arange(40, dtype=np.int32), 50)
    evening = (users % 2).astype(np.int32)
    counts = ContextCounts.of(Choices(users, 1 - evening, evening), 2, 2, [])
    assert counts.lifts(10.0)[counts.seen > 0].max() < 0.1  # against log 2 where everyone is expected alike


def test_gains_are_those_of_a_sorted_list() -> None:
    scores = RNG.integers(6, size=(4, 12)).astype(np.float32)
    items = np.sort(np.stack([RNG.permutation(20)[:12] for _ in range(4)]), axis=1).astype(np.int32)
    scores[:, -2:], items[:, -2:] = -np.inf, -1
    lifts = RNG.normal(size=(5, 20)).astype(np.float32).round(1)
    rows, wanted = RNG.integers(4, size=30).astype(np.int32), RNG.integers(20, size=30).astype(np.int32)
    added = RNG.integers(-1, 5, size=(30, 2)).astype(np.int32)
    falling = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, falling, axis=1), np.take_along_axis(items, falling, axis=1)
    places = find_places(ranked[1], rows, wanted)
    found = gains_in_context(ranked, (rows, places, added), lifts, 3)
    for choice in range(30):
        total = scores[rows[choice]].copy()
        for row in added[choice]:
            total += lifts[row, items[rows[choice]]] if row >= 0 else 0
        order = [item for item in items[rows[choice]][np.argsort(-total, kind="stable")].tolist() if item >= 0]
        rank = order.index(wanted[choice]) if wanted[choice] in order else 99
        assert found[choice] == (1 / np.log2(rank + 2) if rank < 3 else 0)
