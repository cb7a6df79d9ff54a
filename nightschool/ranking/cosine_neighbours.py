"""Nearest rows of a matrix of weights by cosine, alone and averaged with the cosine of sets."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Indices
from nightschool.ranking.best import find_best, scratch
from nightschool.ranking.blocks import each_block
from nightschool.ranking.heap import sort_best_first
from nightschool.ranking.set_neighbours import Neighbours, offer

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_ROWS_A_BLOCK = 256
_LANES = 16  # float32 numbers that are added at once


def nearest_by_cosine(rows: csr_array, others: Indices, k: int, min_support: int) -> Neighbours:
    """Find the k of some rows that have the highest cosine with each row, never the row itself.

    Args:
        rows: CSR float32 [n, n_columns], each row of length one or empty; no weight is below zero.
        others: Which rows may be found, ascending.
        k: Rows to find.
        min_support: Columns that two rows must share; all of them, of a row that has fewer.
    """
    found = _nothing(rows.shape[0], k)
    columns = csr_array(rows[others]).T.tocsr()
    least = np.maximum(np.minimum(np.diff(rows.indptr), min_support), 1).astype(np.int32)
    common = np.flatnonzero(np.diff(columns.indptr) > len(others) / _LANES)
    place_of = np.full(rows.shape[1], -1, dtype=np.int32)
    place_of[common] = np.arange(len(common))
    by_column = (columns.indptr, columns.indices.astype(np.int32), columns.data)
    whole = (place_of, columns[common].toarray())
    by_row, others = (rows.indptr, rows.indices, rows.data), others.astype(np.int32)
    each_block(
        lambda block: _find(block, by_row, by_column, whole, (others, least), found), rows.shape[0], _ROWS_A_BLOCK
    )
    return found


def nearest_by_mean_cosine(
    rows: csr_array, sets: csr_array, candidates: Indices, k: int, min_support: int
) -> Neighbours:
    """Find each row's k candidates with the highest mean of two cosines: of their weights, and of their sets.

    Args:
        rows: As above.
        sets: CSR [n, n_items], whose stored entries count alike.
        candidates: int32 [n, c], the rows to choose from; -1 is none, and one may come twice.
        k: Rows to find.
        min_support: Columns and members that two rows must share together.
    """
    found = _nothing(rows.shape[0], k)
    weights, members = (rows.indptr, rows.indices, rows.data), (sets.indptr, sets.indices)
    width, asked = (rows.shape[1], sets.shape[1]), (np.sort(candidates), min_support)
    each_block(lambda block: _blend(block, weights, members, width, asked, found), rows.shape[0], _ROWS_A_BLOCK)
    return found


def _nothing(n: int, k: int) -> Neighbours:
    scores: NDArray[np.float32] = np.full((n, k), -np.inf, dtype=np.float32)
    return Neighbours(np.full((n, k), -1, dtype=np.int32), scores, np.zeros((n, k), dtype=np.int32))


@njit(nogil=True, cache=True)
def _find(block, rows, columns, whole, asked, found):
    """Fill `found` for a block of rows.

    `whole` holds the columns that many of the others have with all their zeros, and each column's place among them: to
    add such a column up takes less time than to look up who has it.
    """
    starts, tags, weights = rows
    column_starts, holders, held = columns
    place_of, common = whole
    others, least = asked
    scores, mine = np.empty(len(others), dtype=np.float32), np.zeros(len(place_of), dtype=np.bool_)
    maxima, highest = scratch(len(others), found[0].shape[1])
    everyone = np.arange(len(others), dtype=np.int32)
    for row in block:
        scores[:] = 0
        for entry in range(starts[row], starts[row + 1]):
            tag, weight = tags[entry], weights[entry]
            if place_of[tag] >= 0:
                column = common[place_of[tag]]
                for place in range(len(scores)):
                    scores[place] += weight * column[place]
            else:
                for place in range(column_starts[tag], column_starts[tag + 1]):
                    scores[holders[place]] += weight * held[place]
        _fill(mine, tags[starts[row] : starts[row + 1]], value=True)
        first = highest[: max(find_best(scores, found[0].shape[1], maxima, highest), 0)]
        if _keep_best(row, first, scores, (others, starts, tags, mine), least[row], found) < len(first):
            _keep_best(row, everyone, scores, (others, starts, tags, mine), least[row], found)
        _fill(mine, tags[starts[row] : starts[row + 1]], value=False)


@njit(cache=True)
def _keep_best(row, offered, scores, shared_with, least, found):
    """Keep the best of those offered that share enough, which is counted where they may enter; return how many."""
    others, starts, tags, mine = shared_with
    best, values, support = found
    k, kept, bound = best.shape[1], 0, np.float32(0)
    for place in offered:
        other = others[place]
        if scores[place] >= bound and other != row and _count(tags[starts[other] : starts[other + 1]], mine) >= least:
            kept = offer(best[row], values[row], kept, other, scores[place])
            if kept == k:
                bound = values[row, 0]
    sort_best_first(best[row], values[row], kept)
    for place in range(kept):
        other = best[row, place]
        support[row, place] = _count(tags[starts[other] : starts[other + 1]], mine)
    return kept


@njit(cache=True)
def _count(tags, mine):
    shared = np.int32(0)
    for entry in range(len(tags)):
        shared += mine[tags[entry]]
    return shared


@njit(nogil=True, cache=True, error_model="numpy")
def _blend(block, rows, sets, width, asked, found):
    """Fill `found` for a block of rows; `width` holds how many columns each of the two matrices has."""
    starts, tags, weights = rows
    set_starts, members = sets
    candidates, min_support = asked
    best, values, support = found
    mine, in_mine = np.zeros(width[0], dtype=np.float32), np.zeros(width[1], dtype=np.bool_)
    counts = np.zeros(candidates.shape[1], dtype=np.int32)
    for row in block:
        for entry in range(starts[row], starts[row + 1]):
            mine[tags[entry]] = weights[entry]
        _fill(in_mine, members[set_starts[row] : set_starts[row + 1]], value=True)
        n_mine, kept, before = set_starts[row + 1] - set_starts[row], 0, -1
        for place in range(candidates.shape[1]):
            other = candidates[row, place]
            if other <= before or other == row:
                continue
            before = other
            cosine, n_tags, n_members = np.float32(0), 0, 0
            for entry in range(starts[other], starts[other + 1]):
                cosine += mine[tags[entry]] * weights[entry]
                n_tags += mine[tags[entry]] > 0
            for entry in range(set_starts[other], set_starts[other + 1]):
                n_members += in_mine[members[entry]]
            counts[place] = n_tags + n_members
            if counts[place] >= min_support:
                of_sets = n_members / np.sqrt(max(n_mine * (set_starts[other + 1] - set_starts[other]), 1))
                kept = offer(best[row], values[row], kept, other, np.float32((cosine + of_sets) / 2))
        sort_best_first(best[row], values[row], kept)
        for place in range(kept):
            support[row, place] = counts[_first(candidates[row], best[row, place])]
        _fill(mine, tags[starts[row] : starts[row + 1]], value=0)
        _fill(in_mine, members[set_starts[row] : set_starts[row + 1]], value=False)


@njit(cache=True)
def _fill(entries, places, value):
    """Write a value to the entries at some places."""
    for place in range(len(places)):
        entries[places[place]] = value


@njit(cache=True)
def _first(values, value):
    """Return the first place of a value that is there."""
    place = 0
    while values[place] != value:
        place += 1
    return place
