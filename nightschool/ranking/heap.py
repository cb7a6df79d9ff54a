"""A bounded heap whose root is its worst entry, compiled: for lists whose candidates come one by one."""

from numba import njit

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"


@njit(cache=True)
def is_worse(value, item, other_value, other_item):
    """Return whether the first entry ranks below the second: a lower score, or the same and a higher index."""
    return value < other_value or (value == other_value and item > other_item)


@njit(cache=True)
def sift_up(items, values, place, item, score):
    """Put an entry at the end of a heap whose root is its worst entry."""
    while place > 0:
        parent = (place - 1) >> 1
        if not is_worse(score, item, values[parent], items[parent]):
            break
        items[place], values[place] = items[parent], values[parent]
        place = parent
    items[place], values[place] = item, score


@njit(cache=True)
def sift_down(items, values, size, item, score):
    """Put an entry in the place of the root of a heap of `size` entries."""
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and is_worse(values[child + 1], items[child + 1], values[child], items[child]):
            child += 1
        if not is_worse(values[child], items[child], score, item):
            break
        items[place], values[place] = items[child], values[child]
        place = child
    items[place], values[place] = item, score


@njit(cache=True)
def sort_best_first(items, values, size):
    """Turn a heap of `size` entries into a list, best first."""
    for last in range(size - 1, 0, -1):
        item, score = items[last], values[last]
        items[last], values[last] = items[0], values[0]
        sift_down(items, values, last, item, score)
