"""Random slots: how often they come, what they show, and whether the chances that are written down are true."""

from collections import Counter

import numpy as np
import pytest

from nightschool.ranking.exploration import Pool, explore_slots, pool_within_quota, propensities_of

KINDS = np.array([0, 0, 0, 1, 1, 1, 2, -1, -1, 0, 1, 2, 2, 2], dtype=np.int32)
LISTED = np.array([0, 3, 4, 7], dtype=np.int32)
OTHERS = np.array([1, 2, 5, 6, 8, 9, 10, 11, 12, 13], dtype=np.int32)


def pool(items: np.ndarray = OTHERS, quota: int | None = None) -> Pool:
    return pool_within_quota(items, KINDS, LISTED, quota)


def drawn(of: Pool, chance: float, seed: int) -> tuple[list[int], list[float]]:
    """The items of the list after drawing, and the chance of each."""
    explored = explore_slots(len(LISTED), of, KINDS, chance, np.random.default_rng(seed))
    shown = LISTED.copy()
    shown[explored.slots] = explored.items
    return shown.tolist(), list(propensities_of(len(LISTED), explored))


def test_without_a_quota_all_items_are_drawn_from() -> None:
    found = pool()
    assert (found.size, found.items.tolist()) == (10, OTHERS.tolist())
    assert found.shares == pytest.approx([0.1] * 10)


def test_a_kind_gives_no_more_items_than_its_quota_leaves() -> None:
    found = pool(quota=2)
    # Of kind 0 one more fits out of three, of kind 1 none, of kind 2 two out of four; items without a kind all fit.
    assert dict(zip(found.items.tolist(), found.shares * found.size, strict=True)) == pytest.approx(
        {1: 1 / 3, 2: 1 / 3, 6: 0.5, 8: 1, 9: 1 / 3, 11: 0.5, 12: 0.5, 13: 0.5}
    )
    assert found.size == 4
    assert found.shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("quota", [None, 1, 2, 3])
@pytest.mark.parametrize(("n", "chance"), [(10, 0.3), (10, 0.5), (3, 0.5), (1, 0.4)])
def test_items_come_to_their_places_as_often_as_is_written_down(quota: int | None, n: int, chance: float) -> None:
    of, draws = pool(OTHERS[-n:], quota), 2_000
    seen, told = Counter[tuple[int, int]](), dict[tuple[int, int], float]()
    for seed in range(draws):
        for place, (item, chance_of) in enumerate(zip(*drawn(of, chance, seed), strict=True)):
            seen[place, item] += 1
            assert told.setdefault((place, item), chance_of) == pytest.approx(chance_of)
    for cell, chance_of in told.items():
        assert abs(seen[cell] / draws - chance_of) < 5 * np.sqrt(chance_of * (1 - chance_of) / draws) + 1e-9, cell
    for place in range(len(LISTED)):
        assert sum(each for (where, _), each in told.items() if where == place) == pytest.approx(1)


@pytest.mark.parametrize("quota", [2, 3])
def test_no_draw_breaks_the_quota_or_repeats_an_item(quota: int) -> None:
    for seed in range(2_000):
        shown, _ = drawn(pool(quota=quota), 0.5, seed)
        assert len({*shown}) == len(shown)
        of_kind = Counter(KINDS[shown].tolist())
        assert max(n for kind, n in of_kind.items() if kind >= 0) <= quota


def test_nothing_to_draw_from_leaves_the_list() -> None:
    for of in (pool(OTHERS[:0]), pool_within_quota(OTHERS[[0, 1, 2]], KINDS, LISTED, 1)):
        assert drawn(of, 0.5, 1) == (LISTED.tolist(), [1.0] * 4)


def test_a_chance_of_none_draws_nothing() -> None:
    assert drawn(pool(), 0.0, 1) == (LISTED.tolist(), [1.0] * 4)
