import numpy as np
import polars as pl
import pytest

from models.autoencoders.ease import Ease
from models.baselines.popularity import Popularity
from nightschool.errors import ConfigurationError, NotFound


@pytest.fixture
def saved(planted, tmp_path):
    Popularity().fit(planted, seed=0).save(tmp_path / "model")
    return tmp_path / "model"


def test_users_are_listed_in_the_order_asked_for(planted):
    asked = pl.Series(["user 3", "user 41", "user 3"])
    lists = Popularity().fit(planted, seed=0).recommend(asked, 2)
    assert lists["user_id"].to_list() == ["user 3", "user 3", "user 41", "user 41", "user 3", "user 3"]


def test_a_list_is_the_same_in_any_memory(planted):
    model = Ease().fit(planted, seed=0)
    assert model.recommend(planted.user_ids, 3, megabytes=1).equals(model.recommend(planted.user_ids, 3))


def test_a_model_of_another_kind_is_not_loaded(saved):
    with pytest.raises(ConfigurationError, match="'ease' model of format 1; saw 'popularity of format 1'"):
        Ease().load(saved)


def test_a_format_of_another_version_is_not_loaded(saved):
    card = saved / "model.json"
    card.write_text(card.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(ConfigurationError, match="format 2"):
        Popularity().load(saved)


def test_arrays_of_another_model_are_not_loaded(saved):
    np.savez(saved / "learned.npz", weights=np.zeros(3))
    with pytest.raises(ConfigurationError, match=r"other arrays.*weights"):
        Popularity().load(saved)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(NotFound, match="no model"):
        Popularity().load(tmp_path)
