"""Scores of candidates beside those of a fitted model for the same history."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from models.hybrid import Hybrid
from nightschool.contract import Dataset
from nightschool.histories import Histories
from nightschool.storage.events import Stored
from serving.candidates import Candidates, Scorer
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.conftest import Served
from tests.serving.sent import history

Scores = dict[ExternalId, float]


def row_of(snapshot: Snapshot, dataset: Dataset, user: ExternalId, events: list[Stored]) -> csr_array:
    """A user's history and what was sent since, as a row over the dataset's items."""
    index = {item: place for place, item in enumerate(dataset.item_ids.to_list())}
    scores = {index[item]: score for item, score in history(snapshot, user).items()}
    told = {"like": 1.0, "complete": 1.0, "dislike": -1.0, "hide": -1.0}
    scores |= {index[int(event.item_id)]: told[event.event] for event in events}
    places = np.array(sorted(scores), dtype=np.int32)
    values = np.array([scores[place] for place in places.tolist()], dtype=np.float32)
    return csr_array((values, places, np.array([0, len(places)])), shape=(1, dataset.n_items))


def folded(dataset: Dataset, model: Hybrid, row: csr_array | Histories) -> Scores:
    scores = model.fold_in(row if isinstance(row, Histories) else Histories(row))[0]
    ids = dataset.item_ids.to_list()
    return {ids[place]: float(scores[place]) for place in np.flatnonzero(np.isfinite(scores))}


def told(snapshot: Snapshot, candidates: Candidates | None) -> Scores:
    assert candidates is not None
    ids = [snapshot.catalogue.ids[item] for item in candidates.items]
    return dict(zip(ids, candidates.scores.tolist(), strict=True))


def sequence(snapshot: Snapshot, dataset: Dataset, user: ExternalId, events: list[Stored]) -> Histories:
    """A user's history with what was sent since as its newest items, as models read histories."""
    order = list(reversed(history(snapshot, user)))
    for event in events:
        order = [item for item in order if str(item) != event.item_id] + [int(event.item_id)]
    row = row_of(snapshot, dataset, user, events)
    ids = dataset.item_ids.to_list()
    places = [len(order) - 1 - order.index(ids[index]) for index in row.indices]
    return Histories(row, np.array(places, dtype=np.int32))


def scorer(served: Served, user: ExternalId, events: list[Stored]) -> Scorer:
    return Scorer(served.snapshot, UserState.of(served.snapshot, user, events))


def assert_same(found: Scores, expected: Scores) -> None:
    """The same items with the same scores up to rounding, best first."""
    assert found.keys() == expected.keys()
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert [found[item] for item in expected] == pytest.approx(list(expected.values()), abs=2e-4)
