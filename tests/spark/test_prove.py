from pathlib import Path

import numpy as np
import pytest

from models.catalog import build
from nightschool.data.splits.splitting import test_split as split_of_test
from nightschool.evaluation.segments import attribute_segments, segments
from nightschool.night.prepare import prepare_events
from nightschool.night.prove import ComparisonOnTest, measuring
from nightschool.recipe import Component, Recipe
from nightschool.spark.prove import Asked, measuring_on_parts
from tests.night.nights import MANIFEST
from tests.spark.logs import divided, here, home_of, open_night, planted

CUTOFFS = (1, 5)


def recipe(*models: str, **weights: float) -> Recipe:
    components = tuple(Component(model=model, weight=weights.get(model, 1.0)) for model in models)
    return Recipe(components=components)


@pytest.fixture
def both(tmp_path: Path, monkeypatch):
    night = open_night(home_of(planted(events=2000), tmp_path / "home"), MANIFEST.model_copy(update={"items": None}))
    one = prepare_events(here(night))
    divided(night, tmp_path / "parts", 4, monkeypatch)
    split = split_of_test(one.log, one.cut)
    asked = ComparisonOnTest(recipe("popularity"), None, False, CUTOFFS, night.config.seed, 1)
    return (
        split,
        measuring(split, asked, build),
        measuring_on_parts(Asked(tmp_path / "parts", tmp_path / "work", CUTOFFS, 1)),
    )


@pytest.mark.parametrize(
    "asked",
    [recipe("popularity"), recipe("itemknn"), recipe("transitions"), recipe("itemknn", "transitions", itemknn=0.3)],
    ids=lambda asked: asked.name,
)
def test_a_recipe_is_measured_as_on_one_machine(asked: Recipe, both) -> None:
    _, here_, on_parts = both
    one, many = here_(asked), on_parts.measure(asked)
    np.testing.assert_array_equal(many.evaluation.users, one.evaluation.users)
    assert many.evaluation.totals == one.evaluation.totals
    for metric, cutoffs in one.evaluation.per_user.items():
        for k, values in cutoffs.items():
            np.testing.assert_array_equal(many.evaluation.per_user[metric][k], values, err_msg=metric)
    assert many.chosen.equals(one.chosen)


def test_segments_are_those_of_one_machine(both) -> None:
    split, _, on_parts = both
    found = {**segments(split.fitted), **attribute_segments(split.fitted.users, split.fitted.audience)}
    assert found.keys() == on_parts.groups.keys()
    for name, members in found.items():
        np.testing.assert_array_equal(on_parts.groups[name], members)
