"""Measuring recipes on the test of all parts: fitted by Spark, ranked and evaluated part by part by our own kernels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from models.serialization import read_arrays, write_arrays
from nightschool.contract import Float32s, Indices, Mask
from nightschool.evaluation.calibration import choose_users, shares_of_chosen, shown_to
from nightschool.evaluation.evaluate import Measured, evaluation_of, measure_lists, rank, relevant_users
from nightschool.evaluation.facts import ItemCounts, gather_facts
from nightschool.evaluation.segments import attribute_segments, segments_of_users
from nightschool.night.prove import Measure, Role
from nightschool.recipe import Recipe
from nightschool.spark.fit import Fitting, fit_recipe, load_recipe
from nightschool.spark.jobs import on_executors
from nightschool.spark.matrices import write_matrices
from nightschool.spark.parts import Parts

_COUNTS: Final = "counts.npz"


@dataclass(frozen=True)
class Asked:
    """How recipes are measured.

    Attributes:
        folder: The folder of the parts.
        work: A folder for models, and what else passes through files.
        cutoffs: The k of the metrics.
        megabytes: Memory that a dense block of scores may take.
    """

    folder: Path
    work: Path
    cutoffs: tuple[int, ...]
    megabytes: int


class Measuring(NamedTuple):
    """What measures recipes.

    Attributes:
        measure: Fits a recipe to train and validation of all parts, and measures it on their test.
        groups: Segments of the users, bool [n_users] each.
    """

    measure: Measure
    groups: Mapping[str, Mask]


def measuring_on_parts(asked: Asked) -> Measuring:
    """Return what fits a recipe to train and validation of all parts, and measures it on their test."""
    parts = Parts.load(asked.folder)
    counted = write_matrices(parts, "test")
    counts = counted.items
    asked.work.mkdir(parents=True, exist_ok=True)
    arrays = {"seen": counts.seen, "liked": counts.liked, "n_users": np.array([counts.n_users])}
    write_arrays(asked.work / _COUNTS, arrays)
    numbers = range(len(parts))
    of_parts = on_executors(partial(_users_of, asked.folder), numbers, "test users")
    relevant = [users.relevant + np.int32(first) for users, first in zip(of_parts, parts.firsts, strict=True)]
    looked_at = choose_users(np.concatenate(relevant), parts.seed)
    fitting = Fitting(parts, "test", counted, asked.work / "scratch")

    number = count()

    def measure(recipe: Recipe) -> Role:
        model = asked.work / f"model-{next(number)}"
        fit_recipe(recipe, fitting, model)
        found = on_executors(partial(_measure, asked, model, looked_at), numbers, f"measure {recipe.name}")
        evaluation = evaluation_of([each.measured for each in found], parts.firsts)
        scores, shown, hits = (np.concatenate(of) for of in zip(*(each.shown for each in found), strict=True))
        return Role(evaluation, shares_of_chosen(scores, shown, hits, recipe.name, "test"), {})

    return Measuring(measure, _groups(parts, np.concatenate([users.lengths for users in of_parts])))


class _Users(NamedTuple):
    """The users of a part: who can be evaluated, and the length of each one's history."""

    relevant: Indices
    lengths: Indices


class _Found(NamedTuple):
    """What was measured of a part: its lists, and what some of its users were shown."""

    measured: Measured
    shown: tuple[Float32s, Mask, Mask]


def _users_of(folder: Path, part: int) -> _Users:
    split = Parts.load(folder).test(part)
    lengths = np.diff(split.fitted.history().indptr).astype(np.int32)
    return _Users(relevant_users(split), lengths)


def _groups(parts: Parts, lengths: Indices) -> Mapping[str, Mask]:
    users, audience = parts.user_frame(), parts.items().empty.audience
    return {**segments_of_users(lengths, users, audience), **attribute_segments(users, audience)}


def _measure(asked: Asked, model: Path, looked_at: Indices, part: int) -> _Found:
    parts = Parts.load(asked.folder)
    split = parts.test(part)
    arrays = read_arrays(asked.work / _COUNTS)
    gather_facts(split, ItemCounts(arrays["seen"], arrays["liked"], int(arrays["n_users"][0])))
    users = relevant_users(split)
    fitted = load_recipe(model, split.fitted)
    ranking = rank(fitted, users, split, max(asked.cutoffs), asked.megabytes)
    first = parts.firsts[part]
    own = looked_at[(looked_at >= first) & (looked_at < first + parts.users[part])] - np.int32(first)
    return _Found(measure_lists(ranking, users, split, asked.cutoffs), shown_to(fitted, own, split, asked.megabytes))
