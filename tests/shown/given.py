"""Lists, impressions and events, written short."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nightschool.shown.impression_store import Impression
from nightschool.shown.list_store import ListRow
from nightschool.storage.events import Sent

START, HOUR = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)


def a_list(list_id: str, items: Sequence[str], user_id: str | None = "u", **told: Any) -> ListRow:
    """A list of some items, each of them certain."""
    listed = {"item_id": [*items], "propensity": [1.0] * len(items), "source": ["ease"] * len(items)}
    about = {"scenario": "", "release_id": "r", "arms": "{}", "tuned": False, "made_at": START, "first_place": 1}
    return ListRow(list_id=list_id, user_id=user_id, items=json.dumps(listed), **{**about, **told})


def seen(list_id: str, hours: float, places: Sequence[int] | None = None, user_id: str | None = "u") -> Impression:
    """An impression some hours after the start."""
    name = f"{list_id}-{hours}-{places}"
    return Impression(name, list_id, user_id, START + hours * HOUR, places and [*places])


def did(item_id: str, hours: float, event: str = "view", list_id: str | None = None, user_id: str = "u") -> Sent:
    """An event some hours after the start."""
    name = f"{user_id}-{item_id}-{event}-{hours}-{list_id}"
    return Sent(name, user_id, item_id, event, START + hours * HOUR, list_id=list_id)
