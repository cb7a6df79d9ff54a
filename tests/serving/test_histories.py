from datetime import UTC, datetime
from pathlib import Path

from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore
from serving.feedback import Feedback
from serving.histories import history
from serving.schemas.events import Event
from tests.serving.conftest import Served
from tests.serving.sent import history as published
from tests.serving.sent import learner


def test_what_was_sent_comes_first_and_what_was_taken_back_is_left_out(served: Served, tmp_path: Path) -> None:
    snapshot = served.snapshot
    user = learner(snapshot)
    feedback = Feedback(EventStore(open_database(f"sqlite:///{tmp_path / 'events.db'}")))
    known = [*published(snapshot, user)]
    new = [item for item in snapshot.catalogue.ids if item not in known][:2]
    for item, event in ((new[0], "view"), (new[1], "like"), (known[0], "hide")):
        feedback.take([Event(user_id=user, item_id=item, event=event)], snapshot, datetime.now(UTC))
    entries = history(snapshot, user, feedback, 100)
    assert [entry.item_id for entry in entries] == [known[0], new[1], new[0], *known[1:]]
    assert entries[1].event_id is not None
    feedback.undo(entries[1].event_id, str(user))
    assert [entry.item_id for entry in history(snapshot, user, feedback, 3)] == [known[0], new[0], known[1]]
