"""Events as the store keeps them, written short."""

from datetime import datetime, timedelta

from nightschool.storage.events import Stored
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot


def stored(snapshot: Snapshot, *events: tuple[ExternalId, str], user: ExternalId = 1, hours: int = 1) -> list[Stored]:
    """Events of a user, an hour apart from `hours` after the release's T on: item and what was done."""
    start = snapshot.release.as_of + timedelta(hours=hours)
    return [
        Stored(place, f"e{place}", str(user), str(item), event, start + timedelta(hours=place - 1))
        for place, (item, event) in enumerate(events, start=1)
    ]


def at(event: Stored, when: datetime) -> Stored:
    """The same event at another time."""
    return event._replace(at=when)


def learner(snapshot: Snapshot, place: int = 0) -> ExternalId:
    """A user with a list of their own and a history of several liked items."""
    users: list[ExternalId] = snapshot.histories.keys.to_list()
    active = [user for user in users if sum(score > 0 for score in history(snapshot, user).values()) >= 5]
    return [user for user in active[: 3 * place + 9] if snapshot.pools.of(user) is not None][place]


def history(snapshot: Snapshot, user_id: ExternalId) -> dict[ExternalId, float]:
    """Item to score of what the release knows of a user, the newest first."""
    columns = snapshot.histories.columns_of(user_id) or {"item_id": [], "score": []}
    return dict(zip(columns["item_id"], columns["score"], strict=True))


def listed(snapshot: Snapshot, user_id: ExternalId) -> list[ExternalId]:
    """The items of a published list."""
    columns = snapshot.lists.columns_of(user_id)
    assert columns is not None
    return list(columns["item_id"])
