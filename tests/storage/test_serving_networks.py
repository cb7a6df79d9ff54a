import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.errors import Unreachable
from nightschool.storage.release import Release
from nightschool.storage.serving_networks import (
    network_files,
    network_path,
    publish_networks,
    published_networks,
    read_network,
    write_network,
)
from tests.ranking.test_self_attention import ITEMS, histories, network

IDS = [10, 11, 12, 13, 14, 15]
CATALOGUE = [15, 99, 12, 10, 13, 14, 11]
"""The items of the network in another order, and one that it does not know."""


@pytest.mark.parametrize("kind", [int, str])
def test_a_network_scores_the_items_of_a_catalogue_as_those_it_was_fitted_on(tmp_path: Path, kind: type) -> None:
    path = network_path(tmp_path, "sasrec_2")
    write_network(path, network(), pl.Series([kind(item) for item in IDS]))
    places = {kind(item): place for place, item in enumerate(CATALOGUE)}
    found = read_network(path, places.get, len(CATALOGUE))
    assert network_files(tmp_path) == {"sasrec_2": path}
    before = [3, 0, 2, 5]
    after = [CATALOGUE.index(IDS[item]) for item in before]
    expected = network().score(histories(before))[0]
    scores = found.score(histories(after, n_items=len(CATALOGUE)))[0]
    learned = [IDS[item] for item in np.flatnonzero(ITEMS >= 0)]
    for item in learned:
        assert scores[CATALOGUE.index(item)] == expected[IDS.index(item)]
    assert scores[CATALOGUE.index(99)] == expected.min()


def test_items_that_left_the_catalogue_are_left_out(tmp_path: Path) -> None:
    path = network_path(tmp_path, "sasrec")
    write_network(path, network(), pl.Series(IDS))
    found = read_network(path, {13: 0, 10: 1}.get, 2)
    assert found.items.tolist() == [ITEMS[3], ITEMS[0]]


def test_networks_are_published_with_a_release(tmp_path: Path) -> None:
    staged, served = tmp_path / "staged", tmp_path / "release"
    assert publish_networks(staged, served) == {}
    write_network(network_path(staged, "sasrec"), network(), pl.Series(IDS))
    write_network(network_path(served, "of_an_earlier_try"), network(), pl.Series(IDS))
    hashes = publish_networks(staged, served)
    assert network_files(served) == {"sasrec": network_path(served, "sasrec")}
    assert network_path(served, "sasrec").read_bytes() == network_path(staged, "sasrec").read_bytes()
    assert hashes == {"sasrec.network.npz": hashlib.sha256(network_path(staged, "sasrec").read_bytes()).hexdigest()}


def test_a_release_names_its_networks_also_where_one_is_gone(tmp_path: Path) -> None:
    instant = datetime(2025, 6, 1, tzinfo=UTC)
    release = Release(
        release_id="x",
        as_of=instant,
        created_at=instant,
        commit_version=0,
        status="published",
        content_hashes={"recommendations": "a", "sasrec.network.npz": "b"},
    )
    found = published_networks(release, tmp_path)
    assert found == {"sasrec": tmp_path / "sasrec.network.npz"}
    with pytest.raises(Unreachable, match=r"sasrec\.network\.npz cannot be read"):
        read_network(found["sasrec"], {10: 0}.get, 1)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no more", None])
def test_a_damaged_network_is_named(tmp_path: Path, damage: bytes | None) -> None:
    path = network_path(tmp_path, "sasrec")
    if damage is None:
        np.savez(path, ids=np.array(IDS))
    else:
        path.write_bytes(damage)
    with pytest.raises(Unreachable, match=r"sasrec\.network\.npz cannot be read"):
        read_network(path, dict.fromkeys(IDS, 0).get, 3)
