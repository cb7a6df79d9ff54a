"""Settings that won on known data, from which the search on similar data starts; `benchmarks/priors.py` makes them."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from nightschool.data.shape import Shape

_NEAREST = 2  # data sets whose settings are tried


class Prior(BaseModel):
    """A data set, its shape and the settings that its validation chose.

    Attributes:
        users: Users with a like.
        items: Items with a like.
        pairs: Likes.
        settings: Model to its settings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    users: int
    items: int
    pairs: int
    settings: Mapping[str, Mapping[str, Any]]

    def distance(self, shape: Shape) -> float:
        """Return how far its shape is from another one, in factors of e of users, items and likes a user."""
        own = np.log([self.users, self.items, self.pairs / self.users])
        other = np.log([shape.users, shape.items, shape.pairs / shape.users])
        return float(np.linalg.norm(own - other))


@cache
def known_priors() -> Mapping[str, Prior]:
    """Read the priors by the name of their data set."""
    text = files("nightschool.night.selection").joinpath("priors.json").read_text(encoding="utf-8")
    return {name: Prior.model_validate(entry) for name, entry in json.loads(text).items()}


def settings_of_similar_data(shape: Shape, model: str) -> tuple[Mapping[str, Any], ...]:
    """Return the settings of a model that won on the most similar data, the most similar first.

    Args:
        shape: The shape of the data.
        model: Its name in the catalogue.
    """
    if not shape.pairs:
        return ()
    known = [prior for prior in known_priors().values() if model in prior.settings]
    known.sort(key=lambda prior: prior.distance(shape))
    found = [prior.settings[model] for prior in known[:_NEAREST]]
    return tuple(one for place, one in enumerate(found) if one not in found[:place])
