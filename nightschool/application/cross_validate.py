"""Cross-validation of rating models on a home's data; publishes nothing."""

from collections.abc import Sequence
from typing import Any

from models.catalog import create
from nightschool.application.evaluate import events_of
from nightschool.night.config import NightConfig
from nightschool.offline.cross_validation import cross_validate, describe_cross_validation
from nightschool.recipe import Component
from nightschool.storage.home import Home


def cross_validate_models(home: Home, models: Sequence[str], seed: int, settings: NightConfig) -> dict[str, Any]:
    """Measure each model's errors on five folds, and which model predicts which segment of users best.

    Raises:
        NotFound: The home holds no interactions.
        ConfigurationError: A model does not exist or predicts no ratings.
    """
    log = events_of(home, settings)
    components = [Component(model=model, params=settings.params.get(model, {})) for model in dict.fromkeys(models)]
    found = cross_validate(log, components, create, seed=seed)
    return {"dataset": home.binding.dataset, **describe_cross_validation(found)}
