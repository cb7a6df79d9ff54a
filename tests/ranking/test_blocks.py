import threading

import numpy as np
import pytest

from nightschool.ranking.blocks import block_users, in_blocks, row_blocks


def test_block_users_fit_the_budget_and_are_never_none():
    assert block_users(n_items=10**6, megabytes=64) * 4 * 10**6 <= 64 << 20
    assert block_users(n_items=10**6, megabytes=1024, components=4) * 4 * 4 * 10**6 <= 1024 << 20
    assert block_users(n_items=10**9, megabytes=1) == 1


def test_a_block_stays_in_the_cache_where_the_budget_is_large():
    assert 32 <= block_users(n_items=10_000, megabytes=10_000) < 1000


def test_results_come_in_the_order_of_the_blocks():
    users = np.arange(103, dtype=np.int32)
    blocks = list(in_blocks(lambda block: block * 2, users, 10))
    assert [len(block) for block in blocks] == [10] * 10 + [3]
    assert np.array_equal(np.concatenate(blocks), users * 2)


def test_no_users_are_one_empty_block():
    assert [len(block) for block in in_blocks(lambda block: block, np.empty(0, dtype=np.int32), 5)] == [0]


def test_what_a_block_raises_reaches_the_caller_and_no_thread_stays_behind():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(in_blocks(lambda block: 1 // 0, np.arange(9, dtype=np.int32), 2))
    assert threading.active_count() == before


def test_rows_are_parted_so_that_no_block_holds_more_but_a_large_row():
    sizes = np.array([3, 3, 4, 0, 11, 1, 9, 2])
    blocks = [(rows.start, rows.stop) for rows in row_blocks(sizes, 10)]
    assert blocks == [(0, 4), (4, 5), (5, 7), (7, 8)]
    assert [*row_blocks(sizes[:0], 10)] == []
    assert len([*row_blocks(sizes, 0)]) == len(sizes)
