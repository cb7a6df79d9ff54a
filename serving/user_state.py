"""One user as a release and the events sent since know them: what they have met, and whether they liked it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from nightschool.columns import ITEM_ID, SCORE, TIMESTAMP
from nightschool.contract import Indices, Mask
from nightschool.storage.events import Stored
from serving.schemas import ExternalId
from serving.snapshot import Snapshot

VIEW: Final = "view"
"""The event that says nothing of what somebody wants, and takes nothing from a list."""

_EVENT_SCORES: Final = {"complete": 1.0, "like": 1.0, "dislike": -1.0, "hide": -1.0}


class Interaction(NamedTuple):
    """What a user made of an item, and when last; an instant is None where the data have no time."""

    score: float
    at: datetime | None


@dataclass(frozen=True, eq=False)
class UserState:
    """A user's history at positions of the catalogue.

    Attributes:
        known: Whether the release holds anything of them.
        published: Position to what the release knew.
        current: The same with what was sent since.
        sent: Positions that events changed, the newest first.
    """

    user_id: ExternalId
    known: bool
    published: Mapping[int, Interaction]
    current: Mapping[int, Interaction]
    sent: tuple[int, ...]

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        user_id: ExternalId,
        events: Sequence[Stored] = (),
        taken_back: Sequence[Stored] = (),
    ) -> "UserState":
        """A user, from the release's history and all of their events: of an item, the latest counts.

        The events may be ones that the release knows already; they change nothing then. What was taken back counts no
        more, also where the release knows it.
        """
        published = _published(snapshot, user_id)
        current, sent = dict(published), dict[int, None]()
        for event in taken_back:
            place = _place(snapshot, event)
            if place is not None and place in current and current[place].at == event.at:
                del current[place]
                sent[place] = None
        for event in events:
            place = _place(snapshot, event)
            if place is None or _is_older(event.at, current.get(place)):
                continue
            told, before = Interaction(_EVENT_SCORES[event.event], event.at), published.get(place)
            sent.pop(place, None)
            current[place] = told
            if before is None or (before.score > 0) != (told.score > 0):
                sent[place] = None
        return cls(user_id, bool(published), published, current, tuple(reversed(sent)))

    def unseen(self, n_items: int) -> Mask:
        """The items not met yet, bool [n_items]."""
        mask = np.ones(n_items, dtype=bool)
        mask[list(self.current)] = False
        return mask

    def completed(self) -> Indices:
        """Positions of what was liked or completed, int32 [n]."""
        return np.array([place for place, met in self.current.items() if met.score > 0], dtype=np.int32)


def liked_row(history: Mapping[int, Interaction], n_items: int) -> csr_array:
    """What was liked, as a row of ones, CSR float32 [1, n_items], positions ascending."""
    places = np.array(sorted(place for place, met in history.items() if met.score > 0), dtype=np.int32)
    return csr_array((np.ones(len(places), dtype=np.float32), places, np.array([0, len(places)])), shape=(1, n_items))


def _published(snapshot: Snapshot, user_id: ExternalId) -> dict[int, Interaction]:
    history = snapshot.histories.columns_of(user_id)
    if history is None:
        return {}
    rows = zip(history[ITEM_ID], history[SCORE], history[TIMESTAMP], strict=True)
    placed = ((snapshot.catalogue.position(item_id), Interaction(score, at)) for item_id, score, at in rows)
    return {place: met for place, met in placed if place is not None}


def _place(snapshot: Snapshot, event: Stored) -> int | None:
    """The position of an event's item; None for one that says nothing, or of an item that the release does not have."""
    item_id = snapshot.item_id(event.item_id) if event.event != VIEW else None
    return None if item_id is None else snapshot.catalogue.position(item_id)


def _is_older(at: datetime, met: Interaction | None) -> bool:
    return met is not None and met.at is not None and at < met.at
