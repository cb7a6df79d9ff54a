"""Stage refit on Spark: the approved recipe on everything, with the files that servers and MLflow get."""

from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
from scipy.sparse import csr_array, save_npz

from models.baselines.content import Content
from models.fitted_state import Known
from models.hybrid import Hybrid
from models.published import write_audiences
from models.serialization import read_arrays, write_arrays
from nightschool.contract import Dataset
from nightschool.errors import ConfigurationError
from nightschool.evaluation.facts import ItemCounts
from nightschool.histories import Histories
from nightschool.recipe import Recipe
from nightschool.spark.fit import Fitting, fit_recipe
from nightschool.spark.lists import audiences_on_parts
from nightschool.spark.matrices import Counted, write_matrices
from nightschool.spark.parts import Parts
from nightschool.vocabulary import CONTENT

FITTED: Final = "fitted"
"""The folder of the fitted recipe that executors read; what MLflow registers is the same, with nobody's history."""

_COUNTS: Final = "counted.npz"
_SCRATCH: Final = "scratch"


def refit_on_parts(recipe: Recipe, parts: Path, folder: Path) -> dict[str, Path]:
    """Fit a recipe to everything that the parts hold; return the files that MLflow registers.

    These know no users: Spark's are too many for one model's file, and `predict` gives everyone's list to all.
    """
    log = Parts.load(parts)
    counted = write_matrices(log, "everything")
    _save_counts(counted, folder / _COUNTS)
    fitting = Fitting(log, "everything", counted, folder / _SCRATCH)
    fitted = fit_recipe(recipe, fitting, folder / FITTED)
    items = fitting.items()
    artifacts = {"model": folder / "model", "audiences": folder / "audiences.npz"}
    _without_users(fitted, items).save(artifacts["model"])
    content = _content_similarity(fitted, items)
    if content is not None:
        save_npz(folder / "content.npz", content)
    audiences = audiences_on_parts(log)
    write_audiences(artifacts["audiences"], audiences.scores, audiences.of_user)
    write_arrays(folder / "names.npz", {"names": np.array(audiences.names)})
    return artifacts


def load_fitting(parts: Path, folder: Path) -> Fitting:
    """Return what the recipe was fitted to, from the folder of the stage."""
    return Fitting(Parts.load(parts), "everything", _load_counts(folder / _COUNTS), folder / _SCRATCH)


def _without_users(fitted: Hybrid, items: Dataset) -> Hybrid:
    nobody = Histories(csr_array((0, items.n_items), dtype=np.float32))
    known = Known(items.user_ids, items.item_ids, nobody, items.available, np.zeros(0, dtype=bool))
    return fitted.knowing(known)


def _content_similarity(fitted: Hybrid, items: Dataset) -> csr_array | None:
    if CONTENT in fitted.parts:
        return None
    content = Content()
    try:
        content.learn_items(items)
    except ConfigurationError:
        return None
    return content.weights


def _save_counts(counted: Counted, file: Path) -> None:
    items = asdict(counted.items)
    numbers = np.array([items.pop("n_users"), counted.likes, counted.longest])
    write_arrays(file, {**items, "placed": counted.placed, "weighted": counted.weighted, "numbers": numbers})


def _load_counts(file: Path) -> Counted:
    arrays = read_arrays(file)
    n_users, likes, longest = (int(number) for number in arrays["numbers"])
    return Counted(
        ItemCounts(arrays["seen"], arrays["liked"], n_users), arrays["placed"], arrays["weighted"], likes, longest
    )
