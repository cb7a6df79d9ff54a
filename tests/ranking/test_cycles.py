import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.ranking.cycles import cyclic_components, shortest_cycle

N = 6
GRAPHS = st.sets(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=14)


def matrix(edges: set[tuple[int, int]]) -> csr_array:
    dense = np.zeros((N, N), dtype=bool)
    for start, end in edges:
        dense[start, end] = True
    return csr_array(dense)


def walks(edges: set[tuple[int, int]], start: int) -> list[tuple[int, ...]]:
    """Every cycle through a node, by trying all orders of all others."""
    others = [node for node in range(N) if node != start]
    orders = [order for size in range(N) for order in itertools.permutations(others, size)]
    return [(start, *order) for order in orders if {*zip((start, *order), (*order, start), strict=True)} <= edges]


@given(GRAPHS)
def test_cycles_are_those_that_trying_all_orders_finds(edges: set[tuple[int, int]]) -> None:
    graph = matrix(edges)
    components = cyclic_components(graph)
    for node in range(N):
        found = walks(edges, node)
        assert (components[node] >= 0) == bool(found)
        if found:
            cycle = shortest_cycle(graph, node, np.flatnonzero(components == components[node]))
            assert tuple(cycle) in found
            assert len(cycle) == min(map(len, found))
