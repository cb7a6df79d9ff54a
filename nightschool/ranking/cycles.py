"""Cycles of a directed graph: which nodes lie on one, and a shortest one to name."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from nightschool.contract import Indices


def cyclic_components(graph: csr_array) -> Indices:
    """Return the strongly connected component of each node that lies on a cycle, int32 [n]; -1 for the others.

    Args:
        graph: CSR [n, n], an entry for each edge.
    """
    _, labels = connected_components(graph, directed=True, connection="strong")
    cyclic = (np.bincount(labels)[labels] > 1) | (graph.diagonal() != 0)
    components: Indices = np.where(cyclic, labels, -1).astype(np.int32)
    return components


def shortest_cycle(graph: csr_array, start: int, members: Indices) -> list[int]:
    """Return the nodes of a shortest cycle through `start`, in the order of its edges and from `start` on.

    Args:
        graph: CSR [n, n].
        start: A node that lies on a cycle.
        members: int32 [m], the nodes of its component, ascending.
    """
    inside = csr_array(graph[members][:, members])
    first = int(np.searchsorted(members, start))
    if inside[first, first]:
        return [start]
    order, before = breadth_first_order(inside, first)
    closes = inside[:, [first]].toarray().ravel() != 0
    node = int(order[closes[order].argmax()])
    cycle = [node]
    while node != first:
        node = int(before[node])
        cycle.append(node)
    return [int(members[each]) for each in reversed(cycle)]
