"""The configuration of a night as a form: what people change first, models as choices, and a unit with every number."""

from typing import Annotated, Any, Final

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from models.catalog import MODELS
from nightschool.night.config import AUTO, NightConfig
from nightschool.recipe import RERANKER

_TITLES: Final = {
    "minutes": "Search (minutes on two cores)",
    "models": "Models",
    "tune": "Search for a recipe",
    "k": "Length of a list (items)",
    "alpha_steps": "Steps of the α sweep",
    "params": "Fixed hyper-parameters (model to name to value)",
}
_ADVANCED: Final = {
    "engine": "What computes",
    "spark": "Where Spark is",
    "half_life_days": "Half-life of an event (days)",
    "window_days": "Validation and test (days each)",
    "cutoffs": "Cut-offs of the metrics (places)",
    "min_users": "Least test users",
    "max_test_share": "Largest test (share of rows)",
    "max_validation_users": "Most validation users of a cut",
    "coverage_floor": "Least coverage (share of the catalogue)",
    "fairness": "Segments that a new recipe serves worse",
    "fairness_margin": "What a segment may lose (ndcg@10)",
    "stabilise": "Tie lists to those of the release before",
    "churn_ceiling": "Most lists that change without new events (share)",
    "shifts": "Figures outside of their limits",
    "min_user_events": "Least events of a user",
    "min_item_events": "Least events of an item",
    "bot_seconds": "Bots: longest pause (seconds)",
    "bot_events": "Bots: suspicious events that anyone may have",
    "bot_share": "Bots: suspicious share of a user's events",
    "bot_ceiling": "Bots: most suspected users (share)",
    "keep": "Releases that are kept",
    "seed": "Seed of every random draw",
}


class _Form:
    """Writes the form into the configuration's JSON schema, which Prefect's page draws."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        fields = schema["properties"]
        titles = {**_TITLES, **{name: f"Advanced · {title}" for name, title in _ADVANCED.items()}}
        titled = {name: {**fields[name], "title": title} for name, title in titles.items()}
        schema["properties"] = {**titled, **{name: field for name, field in fields.items() if name not in titled}}
        schema["properties"]["models"] |= {
            "anyOf": [
                {"const": AUTO, "type": "string", "title": "those that suit the data"},
                {
                    "type": "array",
                    "title": "these",
                    "minItems": 1,
                    "items": {"type": "string", "enum": [*MODELS, RERANKER]},
                },
            ]
        }
        return reference


NightForm = Annotated[NightConfig, _Form()]
"""The type of the flows' parameter `config`."""
