"""Scenarios, as the API answers them."""

from typing import Any

from serving.schemas.common import Answer, example


class ScenarioEntry(Answer):
    """A placement of the product.

    Attributes:
        k: How many items, where a request does not say.
        below: Scenarios of the same page whose items it leaves out.
        rules: The rules that stand over those of all lists.
    """

    name: str
    title: str
    k: int
    below: list[str]
    rules: dict[str, Any]


class ScenarioList(Answer):
    """Every scenario, in the order of the file."""

    model_config = example(scenarios=[{"name": "hero", "title": "For you", "k": 6, "below": [], "rules": {"quota": 2}}])

    scenarios: list[ScenarioEntry]
