"""Boosted regression trees, and trees on disk: text, never a pickle."""

from pathlib import Path

import lightgbm

from nightschool.contract import Float32s
from nightschool.errors import ConfigurationError

_GROWN = {
    "objective": "l2",
    "learning_rate": 0.02,
    "num_leaves": 24,
    "min_data_in_leaf": 60,
    "lambda_l2": 20.0,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


def grow_trees(features: Float32s, left: Float32s, n_trees: int, seed: int) -> lightgbm.Booster:
    """Train trees that predict the residuals of another model.

    Args:
        features: float32 [n, n_features].
        left: float32 [n].
        n_trees: How many; each adds a fiftieth of what it finds.
        seed: Of the rows and features that a tree sees.
    """
    return lightgbm.train({**_GROWN, "seed": seed}, lightgbm.Dataset(features, left, params=_GROWN), n_trees)


def write_trees(file: Path, trees: lightgbm.Booster) -> None:
    """Write trees as LightGBM's own text."""
    file.write_text(trees.model_to_string(), encoding="utf-8")


def read_trees(file: Path) -> lightgbm.Booster:
    """Read the trees that `write_trees` wrote.

    Raises:
        ConfigurationError: The file is damaged.
    """
    try:
        return lightgbm.Booster(model_str=file.read_text(encoding="utf-8"))
    except (OSError, ValueError, lightgbm.basic.LightGBMError) as error:
        raise ConfigurationError(
            "a model file is damaged", seen=str(file), do="fit and save the model again"
        ) from error
