"""Item weights of a release, from files that are mapped and, of older releases, from their table."""

import shutil

import pytest

from nightschool.columns import ITEM_WEIGHTS, RECENCY
from nightschool.storage.home import Home
from nightschool.storage.release import Release
from nightschool.storage.serving_weights import WEIGHTS
from nightschool.storage.verify import verify_release
from tests.serving.conftest import Served, opened
from tests.serving.homes import publish


def test_weights_stand_at_the_catalogue_s_positions(served: Served) -> None:
    snapshot, release_id = served.snapshot, served.release.release_id
    rows = served.home.lake.scan(ITEM_WEIGHTS, release_id).collect()
    assert set(snapshot.weights) == {"ease", "content"}
    assert sum(weights.matrix.nnz for weights in snapshot.weights.values()) == rows.height
    position = snapshot.catalogue.position
    for row in rows.sample(50, seed=1).iter_rows(named=True):
        matrix = snapshot.weights[row["component"]].matrix
        assert matrix[position(row["item_id"]), position(row["neighbor_id"])] == pytest.approx(row["weight"])


def test_weights_of_releases_made_before_there_were_files_are_the_same(served: Served) -> None:
    tabled = opened(served.home, without_files(served.release)).snapshot
    assert not tabled.learned
    assert [file.path.name for file in served.snapshot.learned] == ["content.weights.arrow", "ease.weights.arrow"]
    for name, weights in served.snapshot.weights.items():
        other = tabled.weights[name].matrix
        assert (weights.matrix != other).nnz == 0
        assert (weights.matrix.indices == other.indices).all()


def without_files(release: Release) -> Release:
    """The release as it was before weights had files."""
    hashes = {name: each for name, each in release.content_hashes.items() if not name.endswith(WEIGHTS.ending)}
    return release.model_copy(update={"content_hashes": hashes})


def test_weights_of_releases_made_before_they_told_how_they_fade(own_home: Home) -> None:
    release = own_home.releases.current()
    assert release is not None
    weights = own_home.lake.scan(ITEM_WEIGHTS, release.release_id).drop(RECENCY).collect()
    shutil.rmtree(own_home.lake.root / ITEM_WEIGHTS.name)
    own_home.lake.replace_release(ITEM_WEIGHTS, release.release_id, weights)
    assert verify_release(own_home, release.release_id).parts[ITEM_WEIGHTS.name] == "intact"
    before = opened(own_home, without_files(release)).snapshot
    assert {name: each.recency for name, each in before.weights.items()} == {"ease": None, "content": None}
    after = opened(own_home, publish(own_home, {"components": [{"model": "next_ridge"}]})).snapshot
    assert {name: each.recency for name, each in after.weights.items()} == {"next_ridge": 3.0}
    assert verify_release(own_home, release.release_id).parts[ITEM_WEIGHTS.name] == "intact"
