"""Cross-validation: every known event is held out once."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from sklearn.model_selection import KFold

from nightschool.contract import Split
from nightschool.data.dataset import EventLog
from nightschool.errors import DataRefused

PROTOCOL: Final = "k-fold"
FOLDS: Final = 5


def fold_splits(log: EventLog, *, seed: int) -> Iterator[Split]:
    """Yield five splits: each holds out a fifth of the known events and learns from the others.

    The folds are those of scikit-learn's KFold(5, shuffle=True, random_state=seed) over the events in source order, as
    published tables draw them.

    Raises:
        DataRefused: There are fewer events than folds.
    """
    known = np.flatnonzero(log.known)
    if len(known) < FOLDS:
        raise DataRefused(f"There are too few events for {FOLDS} folds", seen=len(known), do="ingest more")
    for fold, (_, places) in enumerate(KFold(FOLDS, shuffle=True, random_state=seed).split(known), start=1):
        held_out = np.zeros(len(log.known), dtype=np.bool_)
        held_out[known[places]] = True
        yield log.split(f"fold {fold}", PROTOCOL, log.known & ~held_out, held_out, None)
