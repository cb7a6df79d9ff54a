"""Cross-validation of rating models on a home's data; publishes nothing."""

from collections.abc import Sequence
from typing import Any

from models.catalog import create
from nightschool.columns import INTERACTIONS
from nightschool.contract import Component
from nightschool.errors import NotFound
from nightschool.night.as_of import newest_known
from nightschool.night.config import NightConfig
from nightschool.night.cross_validation import cross_validate, describe_cross_validation
from nightschool.night.prepare import event_log
from nightschool.night.run import Home
from tasks.home import manifest_of


def cross_validate_models(home: Home, models: Sequence[str], seed: int, settings: NightConfig) -> dict[str, Any]:
    """Each model's errors on five folds, and which model predicts which segment of users best.

    Raises:
        NotFound: The home holds no interactions.
        ConfigurationError: A model does not exist or predicts no ratings.
    """
    if not home.lake.exists(INTERACTIONS):
        raise NotFound(f"home {home.paths.root} holds no interactions yet", do="run `nightschool ingest` first")
    log = event_log(home.lake, manifest_of(home), newest_known(home.lake), settings)
    components = [Component(model=model, params=settings.params.get(model, {})) for model in dict.fromkeys(models)]
    found = cross_validate(log, components, create, seed=seed)
    return {"dataset": home.binding.dataset, **describe_cross_validation(found)}
