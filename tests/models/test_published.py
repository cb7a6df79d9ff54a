from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.catalog import build
from models.hybrid import Hybrid
from models.published import Published, write_audiences
from nightschool.columns import ITEM_ID, RANK, RECOMMENDATIONS, SCORE, USER_ID
from nightschool.contract import Dataset
from nightschool.errors import ConfigurationError, NotFound
from nightschool.night.release.audiences import measure_audiences
from nightschool.night.release.lists import read_table, write_tables
from nightschool.recipe import Component, Recipe

K = 5
RECIPE = Recipe(components=(Component(model="ease", weight=0.7), Component(model="content", weight=0.3)), alpha=0.7)


@pytest.fixture(params=[False, True], ids=["everyone", "but one set aside"])
def planted(planted: Dataset, request: pytest.FixtureRequest) -> Dataset:
    """The planted tastes, of which user 3's are set aside or not."""
    set_aside = np.arange(planted.n_users) == 3
    learned = ~set_aside[planted.interactions["user_index"].to_numpy()]
    return replace(planted, set_aside=set_aside, learned=learned) if request.param else planted


@pytest.fixture
def fitted(planted: Dataset) -> Hybrid:
    return build(RECIPE).fit(planted, seed=1)


@pytest.fixture
def published(planted: Dataset, fitted: Hybrid, tmp_path: Path) -> Published:
    audiences = measure_audiences(planted)
    fitted.save(tmp_path / "model")
    write_audiences(tmp_path / "audiences.npz", audiences.scores, audiences.of_user)
    return Published.load(tmp_path / "model", tmp_path / "audiences.npz")


def test_its_lists_are_the_published_ones(
    published: Published, fitted: Hybrid, planted: Dataset, tmp_path: Path
) -> None:
    write_tables(fitted, planted, tmp_path / "tables", k=K, megabytes=64)
    told = read_table(tmp_path / "tables", RECOMMENDATIONS).select(USER_ID, ITEM_ID, RANK, SCORE).collect()
    lists = published.recommend(planted.user_ids, K)
    assert_frame_equal(lists.sort(USER_ID, RANK), told.sort(USER_ID, RANK), check_exact=True)
    assert lists[USER_ID].n_unique() == 41


def test_users_come_in_the_order_asked_for_and_blocks_do_not_show(
    published: Published, planted: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = planted.user_ids.reverse()
    whole = published.recommend(asked, K)
    assert whole[USER_ID].unique(maintain_order=True).to_list() == [user for user in asked if user != "user 40"]
    monkeypatch.setattr("models.published.block_users", lambda *_, **__: 5)
    assert_frame_equal(published.recommend(asked, K), whole, check_exact=True)


def test_a_user_nobody_knows_gets_everyones_list(published: Published, planted: Dataset) -> None:
    lists = published.recommend(pl.Series(["user 1", "stranger"]), 3).filter(pl.col(USER_ID) == "stranger")
    everyone = np.asarray(planted.positives().sum(axis=0)).ravel()
    everyone[~planted.available] = -1
    best = np.lexsort((np.arange(planted.n_items), -everyone))[:3]
    assert lists[ITEM_ID].to_list() == planted.item_ids[best].to_list()
    assert lists[RANK].to_list() == [1, 2, 3]


def test_no_users_have_no_lists(published: Published) -> None:
    lists = published.recommend(pl.Series([], dtype=pl.String), K)
    assert lists.is_empty()
    assert lists.columns == [USER_ID, ITEM_ID, RANK, SCORE]


def test_an_empty_folder_and_a_damaged_file_are_named(published: Published, tmp_path: Path) -> None:
    assert published
    with pytest.raises(NotFound):
        Published.load(tmp_path / "nothing", tmp_path / "audiences.npz")
    (tmp_path / "audiences.npz").write_bytes(b"half")
    with pytest.raises(ConfigurationError, match="damaged"):
        Published.load(tmp_path / "model", tmp_path / "audiences.npz")
