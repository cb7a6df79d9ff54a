from typing import Any

from flows.backfill import backfill
from flows.form import _ADVANCED, _TITLES
from flows.retrain import retrain
from models.catalog import MODELS
from nightschool.night.config import NightConfig


def fields(flow: Any) -> dict[str, Any]:
    return flow.parameters.model_dump()["definitions"]["NightConfig"]["properties"]


def test_every_field_has_its_title_and_what_people_change_comes_first() -> None:
    assert {*_TITLES, *_ADVANCED} == set(NightConfig.model_fields)
    assert list(fields(retrain)) == [*_TITLES, *_ADVANCED]
    assert fields(retrain)["minutes"]["title"] == "Search (minutes on two cores)"
    assert fields(retrain)["seed"]["title"] == "Advanced · Seed of every random draw"


def test_bounds_and_defaults_are_those_of_the_configuration() -> None:
    assert fields(retrain)["k"].items() >= {"minimum": 1, "maximum": 200, "default": 50}.items()


def test_models_are_choices() -> None:
    suited, these = fields(backfill)["models"]["anyOf"]
    assert suited["const"] == "auto"
    assert these["items"]["enum"] == [*MODELS, "reranker"]
