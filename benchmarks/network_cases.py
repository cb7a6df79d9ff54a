"""The splits on which networks are compared, and the models that are compared on each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from leave_one_out import SOURCES, hold_out, read_sequences
from numpy.typing import NDArray
from surroundings import ingested_home, temporary_home

SEED = 42
NETWORKS = ("neural_hybrid", "multvae", "neumf", "lightgcn", "sasrec")
BESIDE = ("popularity", "ease", "ials", "content")
SEARCHED = "ease + ials"
"""A search over EASE, iALS and their blend."""


class Case(NamedTuple):
    """A split of a data set.

    Attributes:
        title: Its heading.
        dataset: Name of the data set.
        protocol: How it is split, as `nightschool evaluate --protocol` names it.
        k: Length of the lists.
        models: What is measured on it.
    """

    title: str
    dataset: str
    protocol: str
    k: int
    models: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The model that others are compared with: new items are known by what is said of them alone."""
        return "content" if self.protocol == "leave-items" else "ease"


_ALL = (*BESIDE, "next_ridge", *NETWORKS)
_NEWCOMERS = (*BESIDE, *NETWORKS[:-1])
CORNAC = ("cornac multvae", "cornac lightgcn", "cornac neumf")
_NEW = ("content", "ials", "dlae", "neural_hybrid")
CASES = (
    Case("movielens-100k, protocol A", "movielens-100k", "stratified-item", 10, (*_ALL, SEARCHED, *CORNAC)),
    Case("mooccubex, protocol B", "mooccubex", "given", 20, (*_NEWCOMERS, SEARCHED)),
    Case("Beauty, protocol F", "Beauty", "leave-one-out", 10, _ALL),
    Case("movielens-100k, new users after 3 events", "movielens-100k", "leave-users", 10, _NEWCOMERS),
    Case("mooccubex, new users after 3 events", "mooccubex", "leave-users", 10, _NEWCOMERS),
    Case("movielens-100k, new items among themselves", "movielens-100k", "leave-items", 10, _NEW),
    Case("mooccubex, new items among themselves", "mooccubex", "leave-items", 10, _NEW),
)


def split_of(case: Case, source: Path) -> tuple[NDArray[np.bool_], Any]:
    """Return the whole catalogue of the test, bool [n_items], and the split that is measured."""
    if case.dataset in SOURCES:
        files = SOURCES[case.dataset]
        described = source / files.attributes if files.attributes else None
        split = hold_out(read_sequences(source / files.file, described), 0, read_from=1, learned_from=2)
        return split.fitted.available, split
    from nightschool.data.splits import cold_start
    from nightschool.data.splits.splitting import TEST, named_cut, test_split

    with temporary_home():
        home = ingested_home(case.dataset, source)
        log = offline(case).events(home)
        if case.protocol == cold_start.USERS:
            split = cold_start.first_events(
                log, cold_start.leave_out(log, case.protocol, seed=SEED), TEST, 3, seed=SEED
            )
        elif case.protocol == cold_start.ITEMS:
            split = cold_start.new_items(log, cold_start.leave_out(log, case.protocol, seed=SEED), TEST)
            return split.fitted.available, cold_start.among_new(split)
        else:
            split = test_split(log, named_cut(log, case.protocol, seed=SEED))
    return split.fitted.available, split


def offline(case: Case, models: Sequence[str] = ("ease",), minutes: float = 1.0) -> Any:
    """Return what is asked of an offline evaluation of a case."""
    from nightschool.application.evaluate import Offline
    from nightschool.night.config import NightConfig

    relevant: Literal["all", "manifest"] = "all" if case.protocol == "stratified-item" else "manifest"
    return Offline(tuple(models), case.protocol, case.k, SEED, relevant, NightConfig(minutes=minutes))
