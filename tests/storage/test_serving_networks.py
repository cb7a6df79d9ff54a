from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.errors import Unreachable
from nightschool.storage.serving_networks import NETWORKS, read_network, write_network
from tests.ranking.test_self_attention import ITEMS, histories, network

IDS = [10, 11, 12, 13, 14, 15]
CATALOGUE = [15, 99, 12, 10, 13, 14, 11]
"""The items of the network in another order, and one that it does not know."""


@pytest.mark.parametrize("kind", [int, str])
def test_a_network_scores_the_items_of_a_catalogue_as_those_it_was_fitted_on(tmp_path: Path, kind: type) -> None:
    path = NETWORKS.path(tmp_path, "sasrec_2")
    write_network(path, network(), pl.Series([kind(item) for item in IDS]))
    places = {kind(item): place for place, item in enumerate(CATALOGUE)}
    found = read_network(path, places.get, len(CATALOGUE))
    assert NETWORKS.there(tmp_path) == {"sasrec_2": path}
    before = [3, 0, 2, 5]
    after = [CATALOGUE.index(IDS[item]) for item in before]
    expected = network().score(histories(before))[0]
    scores = found.score(histories(after, n_items=len(CATALOGUE)))[0]
    learned = [IDS[item] for item in np.flatnonzero(ITEMS >= 0)]
    for item in learned:
        assert scores[CATALOGUE.index(item)] == expected[IDS.index(item)]
    assert scores[CATALOGUE.index(99)] == expected.min()


def test_items_that_left_the_catalogue_are_left_out(tmp_path: Path) -> None:
    path = NETWORKS.path(tmp_path, "sasrec")
    write_network(path, network(), pl.Series(IDS))
    found = read_network(path, {13: 0, 10: 1}.get, 2)
    assert found.items.tolist() == [ITEMS[3], ITEMS[0]]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no more", None])
def test_a_damaged_network_is_named(tmp_path: Path, damage: bytes | None) -> None:
    path = NETWORKS.path(tmp_path, "sasrec")
    if damage is None:
        np.savez(path, ids=np.array(IDS))
    else:
        path.write_bytes(damage)
    with pytest.raises(Unreachable, match=r"sasrec\.network\.npz cannot be read"):
        read_network(path, dict.fromkeys(IDS, 0).get, 3)
