"""A user's history, newest first: events since the release, then what the release knew."""

from typing import Final

from nightschool.storage.events import Stored
from serving.feedback import Feedback
from serving.schemas.common import ExternalId
from serving.schemas.lists import HistoryEntry
from serving.snapshot import Snapshot
from serving.user_state import UserState

_READ_BACK: Final = 1000
"""The most events of a user that are read, views included."""


def history(snapshot: Snapshot, user_id: ExternalId, feedback: Feedback, n: int) -> list[HistoryEntry]:
    """Return a user's n newest items, without events that were undone.

    Raises:
        Unreachable: The user's events cannot be read now.
    """
    events = dict[str, Stored]()
    for event in feedback.newest(user_id, _READ_BACK):
        events.setdefault(event.item_id, event)
    user = UserState.of(snapshot, user_id, *feedback.reactions(user_id))
    describe, ids = snapshot.catalogue.describe, snapshot.catalogue.ids
    newest = [
        HistoryEntry(**describe(item_id), at=event.at, event=event.event, event_id=event.event_id)
        for event in events.values()
        if (item_id := snapshot.item_id(event.item_id)) is not None
    ]
    known = [
        HistoryEntry(**describe(ids[place]), at=met.at, score=met.score)
        for place, met in user.published.items()
        if place in user.current and str(ids[place]) not in events
    ]
    return [*newest, *known][:n]
