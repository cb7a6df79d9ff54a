import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightschool.errors import NotFound
from nightschool.privacy.erase import count_user_rows
from nightschool.privacy.stored_about import stored_about
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent
from tests.privacy.users import MANIFEST, NUMBERS, RELEASES, TEXTS, Users, users_home


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'events.db'}"


@pytest.mark.parametrize("users", [NUMBERS, TEXTS])
def test_it_holds_every_row_that_forget_would_remove(users: Users, tmp_path: Path, address: str) -> None:
    home = users_home(tmp_path / "home", users)
    document = stored_about(home, MANIFEST, users.gone, address)
    assert {name: len(rows) for name, rows in document["tables"].items()} == count_user_rows(home, MANIFEST, users.gone)
    assert document["histories"].keys() == {*RELEASES}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_it_holds_what_they_sent_and_were_shown(tmp_path: Path, address: str) -> None:
    home, user = users_home(tmp_path / "home", TEXTS), str(TEXTS.gone)
    engine = open_database(address)
    store = EventStore(engine)
    store.append(
        [Sent(f"e{n}", who, "i1", "view", datetime(2024, 5, 6, n, tzinfo=UTC)) for n, who in enumerate([user, "u1"])]
    )
    for event_id in ("e0", "e1"):
        store.undo(event_id, None, "page")
    engine.dispose()
    about = stored_about(home, MANIFEST, TEXTS.gone, address)
    (event,), (undone,) = about["events"], about["undone"]
    assert (undone["event_id"], undone["sent_by"]) == ("e0", "page")
    assert (event["event_id"], event["user_id"], event["at"]) == ("e0", user, "2024-05-06T00:00:00+00:00")


def test_nobody_has_nothing_stored_about_them(tmp_path: Path, address: str) -> None:
    with pytest.raises(NotFound, match="no such user"):
        stored_about(users_home(tmp_path / "home", TEXTS), MANIFEST, "nobody", address)
