"""What clients say was shown: checked against the ids of lists, and stored before it is acknowledged."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from nightschool.shown import impression_store
from nightschool.shown.impression_store import ImpressionStore
from serving.feedback import by_our_clock
from serving.schemas.impressions import Impression, ImpressionsTaken, TakenImpression
from serving.shown_lists import ShownLists, require_list_of
from serving.snapshot import Snapshot
from serving.telemetry import IMPRESSIONS


class Impressions:
    """All impressions of lists."""

    def __init__(self, store: ImpressionStore, shown: ShownLists) -> None:
        self._store = store
        self._shown = shown

    def take(
        self, impressions: Sequence[Impression], snapshot: Snapshot, now: datetime, sent_by: str = ""
    ) -> ImpressionsTaken:
        """Store impressions; return their ids and sequence numbers once they are on the disk.

        Raises:
            NotFound: A list is not the user's, or an id can be none; nothing was written.
            ConfigurationError: A time has no zone or is out of range; nothing was written.
            Conflict: An id names another impression; nothing was written.
        """
        given = [_impression(each, snapshot, now, sent_by) for each in impressions]
        taken = [
            TakenImpression(impression_id=each.impression_id, sequence=sequence, repeated=again)
            for each, (sequence, again) in zip(given, self._store.append(given), strict=True)
        ]
        scenarios = self._shown.scenarios(each.list_id for each in given)
        for each, answer in zip(given, taken, strict=True):
            if not answer.repeated:
                IMPRESSIONS.labels(scenarios.get(each.list_id, "unknown")).inc()
        return ImpressionsTaken(impressions=taken)


def _impression(sent: Impression, snapshot: Snapshot, now: datetime, sent_by: str) -> impression_store.Impression:
    user_id = None if sent.user_id is None else snapshot.require_user_id(sent.user_id)
    require_list_of(sent.list_id, user_id, snapshot)
    return impression_store.Impression(
        impression_id=sent.impression_id or uuid4().hex,
        list_id=sent.list_id,
        user_id=None if user_id is None else str(user_id),
        at=None if sent.at is None else by_our_clock(sent.at, sent.sent_at, now),
        places=None if sent.places is None else sorted({*sent.places}),
        sent_by=sent_by,
    )
