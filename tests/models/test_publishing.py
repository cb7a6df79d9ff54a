from pathlib import Path

import pytest

from models.catalog import MODELS, build, create
from nightschool.columns import RECOMMENDATIONS, USER_ID
from nightschool.contract import Dataset
from nightschool.errors import ConfigurationError
from nightschool.night.release.lists import read_table, write_tables
from nightschool.recipe import Component, Recipe

QUICK = {"epochs": 2, "n_epochs": 2, "n_iter": 2, "iterations": 2}


@pytest.mark.parametrize("model", sorted(MODELS))
def test_what_a_model_has_learned_is_published_and_lists_are_whole(
    model: str, planted: Dataset, tmp_path: Path
) -> None:
    known = create(model, {}).config.model_dump()
    recipe = Recipe(components=(Component(model=model, params={k: v for k, v in QUICK.items() if k in known}),))
    try:
        fitted = build(recipe).fit(planted, seed=0)
    except ConfigurationError as error:
        pytest.skip(str(error))
    write_tables(fitted, planted, tmp_path, k=4, megabytes=1)
    told = read_table(tmp_path, RECOMMENDATIONS).select(USER_ID).collect()
    assert told[USER_ID].value_counts()["count"].min() >= 1
