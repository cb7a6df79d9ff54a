"""Whatever a model of the catalogue has learned, a release of it is written."""

from pathlib import Path

import pytest

from models.catalog import MODELS, build, create
from nightschool.columns import RECOMMENDATIONS, USER_ID
from nightschool.contract import Dataset
from nightschool.night.release.lists import read_table, write_tables
from nightschool.recipe import Component, Recipe

K = 4


@pytest.mark.parametrize("model", MODELS)
def test_a_release_of_a_model_has_a_whole_list_for_everybody(model: str, planted: Dataset, tmp_path: Path) -> None:
    params = {"epochs": 2} if "epochs" in type(create(model, {}).config).model_fields else {}
    recipe = Recipe(components=(Component(model=model, params=params),))
    write_tables(build(recipe).fit(planted, seed=0), planted, tmp_path, k=K, megabytes=1)
    lists = read_table(tmp_path, RECOMMENDATIONS).select(USER_ID).collect()
    assert set(lists[USER_ID].value_counts()["count"]) == {K}
