"""Users in blocks: as many at a time as the caches and the memory budget hold, one block a core."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nightschool.contract import Indices

T = TypeVar("T")

_CORES = os.cpu_count() or 1
_CACHE_BYTES = 8 << 20  # one dense block of scores that is still cached when it is ranked
_FEWEST = 128  # rows below which a matrix product is no longer worth its preparation


def block_users(n_items: int, megabytes: int, components: int = 1) -> int:
    """Return how many users' float32 scores of every item to hold at a time on each core, at least one.

    A budget that is too small for one user still gets one: there is nothing smaller to score.

    Args:
        n_items: Items scored for each user.
        megabytes: Memory that the dense blocks of all cores may take together.
        components: Dense blocks that one core holds at the same time.
    """
    row = 4 * max(1, n_items)
    within_budget = (megabytes << 20) // (row * components * _CORES)
    return max(1, min(within_budget, max(_FEWEST, _CACHE_BYTES // row)))


def in_blocks(work: Callable[[Indices], T], users: Indices, size: int) -> Iterator[T]:
    """Yield what `work` returns for each block of the users, in their order; no users are one empty block.

    Each core works on a block of its own with BLAS on one thread: that keeps the block in the core's cache, and its
    result the same bits however many cores there are. `work` is called from several threads at once.

    Args:
        work: Called with up to `size` users.
        users: int32 [n].
        size: Users a block.
    """
    with threadpool_limits(limits=1), ThreadPoolExecutor(_CORES) as threads:
        waiting = deque[Future[T]]()
        for start in range(0, max(len(users), 1), size):
            waiting.append(threads.submit(work, users[start : start + size]))
            # A block in reserve for each core; more would only fill the memory.
            if len(waiting) > 2 * _CORES:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def each_block(work: Callable[[Indices], T], n_rows: int, size: int = 64) -> list[T]:
    """Return what `work` returns for each block of all row indices, on all cores, as `in_blocks` yields it.

    Where `work` writes, blocks must not write to the same memory.
    """
    return list(in_blocks(work, np.arange(n_rows, dtype=np.int32), size))


def row_blocks(sizes: NDArray[np.integer], most: int) -> Iterator[slice]:
    """Yield consecutive rows whose sizes sum to at most `most`; a row that exceeds it is a block of its own.

    Args:
        sizes: The size of each row, [n].
        most: What a block may hold.
    """
    ends, start = np.cumsum(sizes), 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield slice(start, stop)
        start = stop
