from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from serving.differences import compare_gates, compare_lists, compare_metrics, compare_rows
from tests.serving.nights import FIRST, ODD, SECOND, THIRD, make_nights

P = 0.9


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "home")


def overlap(left: list[int], right: list[int]) -> float:
    """Rank-biased overlap, extrapolated, written as the paper writes it for lists of one length."""
    k = max(len(left), len(right))
    agreements = [len(set(left[:d]) & set(right[:d])) for d in range(1, k + 1)]
    tail = agreements[-1] / k * P**k
    return tail + (1 - P) / P * sum(shared / d * P**d for d, shared in enumerate(agreements, start=1))


def test_the_same_lists_differ_in_nothing(lake: Lake) -> None:
    lists, moved = compare_lists(lake, FIRST, SECOND)
    assert (lists.users, lists.only_left, lists.only_right) == (3, 0, 0)
    assert (lists.changed, lists.other_items) == (0, 0)
    assert lists.overlap == pytest.approx(1.0)
    assert moved == []


def test_differences_are_counted_over_the_users_of_both(lake: Lake) -> None:
    lists, moved = compare_lists(lake, SECOND, THIRD)
    assert (lists.users, lists.only_left, lists.only_right) == (2, 1, 1)
    assert (lists.changed, lists.other_items) == (0.5, 0.5)
    assert lists.overlap == pytest.approx((1 + overlap([1, 2, 3], [2, 1, 5])) / 2)
    assert [(item.item_id, item.title, item.change) for item in moved] == [(5, ODD, 1), (3, "", -1)]


def test_releases_without_common_users_have_no_overlap(lake: Lake) -> None:
    write(lake, "left", {1: [1]})
    write(lake, "right", {2: [1]})
    lists, _ = compare_lists(lake, "left", "right")
    assert lists == (0, 1, 1, 0.0, 0.0, None)


@pytest.mark.parametrize("seed", range(20))
def test_overlap_is_what_the_paper_says(lake: Lake, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists = [
        {user: rng.permutation(14)[: rng.integers(1, 15)].tolist() for user in range(8)} for _ in ("left", "right")
    ]
    write(lake, "left", lists[0])
    write(lake, "right", lists[1])
    found, moved = compare_lists(lake, "left", "right")
    tops = [{user: items[:10] for user, items in side.items()} for side in lists]
    assert found.overlap == pytest.approx(np.mean([overlap(tops[0][user], tops[1][user]) for user in range(8)]))
    assert found.changed == np.mean([tops[0][user] != tops[1][user] for user in range(8)])
    assert found.other_items == np.mean([set(tops[0][user]) != set(tops[1][user]) for user in range(8)])
    held = [[sum(item in items for items in side.values()) for side in tops] for item in range(14)]
    assert {item.item_id: [item.left, item.right] for item in moved} == {
        item: counts for item, counts in enumerate(held) if counts[0] != counts[1]
    }
    assert [item.change for item in moved] == sorted((item.change for item in moved), reverse=True)


def test_gates_metrics_and_rows_stand_beside_each_other(lake: Lake) -> None:
    first, third = (Releases(lake).get(release_id) for release_id in (FIRST, THIRD))
    assert [(pair.name, pair.left["passed"], pair.right["passed"]) for pair in compare_gates(first, third)] == [
        ("learnable", True, True),
        ("superior", False, False),
    ]
    assert {pair.name: (pair.left, pair.right) for pair in compare_rows(first, third)} == {
        "recommendations": (7, 7),
        "metrics": (8, 11),
    }
    metrics = {pair.name: pair for pair in compare_metrics(lake, FIRST, THIRD)}
    assert list(metrics) == sorted(metrics)
    assert metrics["champion: ndcg@10"].left is None
    assert metrics["champion: ndcg@10"].right == pytest.approx((0.19, 0.18, 0.20))
    assert metrics["challenger: coverage@10"].left == (0.2, None, None)
    assert not any(name.startswith("ease") for name in metrics)


def write(lake: Lake, release_id: str, lists: dict[int, list[int]]) -> None:
    rows = [
        {"release_id": release_id, "user_id": user, "item_id": item, "rank": rank, "score": 1.0}
        for user, items in lists.items()
        for rank, item in enumerate(items, start=1)
    ]
    frame = pl.DataFrame(rows, schema=lake.schema(RECOMMENDATIONS))
    lake.replace_release(RECOMMENDATIONS, release_id, frame.sort("user_id", "rank"))
