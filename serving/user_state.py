"""One user's history from a release and the events since: the items, and whether they were liked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.columns import ITEM_ID, SCORE, TIMESTAMP
from nightschool.contract import Indices, Mask
from nightschool.histories import Histories
from nightschool.storage.events import Stored
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot

VIEW: Final = "view"
"""The event that expresses no preference and removes nothing from a list."""

_NO_TIME: Final = datetime.min.replace(tzinfo=UTC)

_EVENT_SCORES: Final = {"complete": 1.0, "like": 1.0, "dislike": -1.0, "hide": -1.0}


class Interaction(NamedTuple):
    """A user's score of an item, and the time of the last interaction; None where the data have no time."""

    score: float
    at: datetime | None


@dataclass(frozen=True, eq=False)
class UserState:
    """A user's history by positions in the catalogue.

    Attributes:
        user_id: None in a session without a user.
        known: Whether the release holds a history of the user.
        published: Position to the interaction that the release knew, newest first.
        current: The same with the events since.
        sent: Positions that events changed, newest first; where the release ranks by order, also those that they
            moved.
        tired: float64 [n_items], what remains of each item's relevance after showings in vain; None: all of it.
    """

    user_id: ExternalId | None
    known: bool
    published: Mapping[int, Interaction]
    current: Mapping[int, Interaction]
    sent: tuple[int, ...]
    tired: NDArray[np.float64] | None = None
    _made: dict[int, Histories] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        user_id: ExternalId,
        events: Sequence[Stored] = (),
        taken_back: Sequence[Stored] = (),
    ) -> "UserState":
        """Combine the release's history of a user with their events; for each item the latest one counts.

        Events that the release knows already change nothing. Events that were undone no longer count, also where the
        release knows them.
        """
        published = _published(snapshot, user_id)
        current, sent = dict(reversed(published.items())), dict[int, None]()
        for event in taken_back:
            place = _place(snapshot, event)
            if place is not None and place in current and current[place].at == event.at:
                del current[place]
                sent[place] = None
        for event in events:
            place = _place(snapshot, event)
            if place is None or _is_older(event.at, current.get(place)):
                continue
            reaction, before = Interaction(_EVENT_SCORES[event.event], event.at), published.get(place)
            sent.pop(place, None)
            current.pop(place, None)
            current[place] = reaction
            if before is None or _changes(before, reaction, by_order=snapshot.by_order):
                sent[place] = None
        return cls(user_id, bool(published), published, _newest_first(current), tuple(reversed(sent)))

    @classmethod
    def of_session(cls, items: Indices) -> "UserState":
        """Return the history of a session without a user.

        Args:
            items: int32 [n], positions in the catalogue, the oldest first; one that is repeated counts last.
        """
        newest_first = dict.fromkeys(reversed(items.tolist()), Interaction(1.0, None))
        return cls(None, known=False, published={}, current=newest_first, sent=tuple(newest_first))

    def unseen(self, n_items: int) -> Mask:
        """Select the items without an interaction, bool [n_items]."""
        mask = np.ones(n_items, dtype=bool)
        mask[list(self.current)] = False
        return mask

    def histories(self, n_items: int) -> Histories:
        """Return the history with the events since as models are asked to score it; made once."""
        made = self._made.get(n_items)
        if made is None:
            made = self._made[n_items] = as_histories(self.current, n_items)
        return made

    def completed(self) -> Indices:
        """Return the positions of liked or completed items, int32 [n]."""
        return np.array([place for place, met in self.current.items() if met.score > 0], dtype=np.int32)


def as_histories(history: Mapping[int, Interaction], n_items: int) -> Histories:
    """Encode a history that begins with the newest item as one row of scores with their places."""
    items = np.fromiter(history, dtype=np.int32, count=len(history))
    scores = np.array([met.score for met in history.values()], dtype=np.float32)
    places = np.argsort(items).astype(np.int32)
    row = csr_array((scores[places], items[places], np.array([0, len(items)], dtype=np.int32)), shape=(1, n_items))
    return Histories(row, places)


def _newest_first(oldest_first: Mapping[int, Interaction]) -> dict[int, Interaction]:
    """Sort by time; what has none is the oldest, and of equal times the later one is newer."""
    ordered = sorted(oldest_first.items(), key=lambda entry: entry[1].at or _NO_TIME)
    return dict(reversed(ordered))


def _changes(before: Interaction, reaction: Interaction, *, by_order: bool) -> bool:
    """Return whether a reaction to an item of the release changes what models know of it."""
    return (before.score > 0) != (reaction.score > 0) or (by_order and before.at != reaction.at)


def _published(snapshot: Snapshot, user_id: ExternalId) -> dict[int, Interaction]:
    history = snapshot.histories.columns_of(user_id)
    if history is None:
        return {}
    rows = zip(history[ITEM_ID], history[SCORE], history[TIMESTAMP], strict=True)
    placed = ((snapshot.catalogue.position(item_id), Interaction(score, at)) for item_id, score, at in rows)
    return {place: met for place, met in placed if place is not None}


def _place(snapshot: Snapshot, event: Stored) -> int | None:
    """Return the position of an event's item; None for a view, or an item that the release does not have."""
    item_id = snapshot.item_id(event.item_id) if event.event != VIEW else None
    return None if item_id is None else snapshot.catalogue.position(item_id)


def _is_older(at: datetime, met: Interaction | None) -> bool:
    return met is not None and met.at is not None and at < met.at
