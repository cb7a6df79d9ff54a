"""Lists, impressions and what was shown: exported, counted and erased with the user, and no others with them."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from nightschool.columns import SHOWN
from nightschool.ingest.feedback_events import count_feedback, erase_feedback
from nightschool.privacy.erase import begin_erasure, erase_rows
from nightschool.privacy.stored_about import stored_about
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.storage.database import open_database
from tests.privacy.users import MANIFEST, NOON, TEXTS, users_home
from tests.shown.given import a_list


@pytest.fixture
def address(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'events.db'}"
    engine = open_database(address)
    users = [str(user) for user in TEXTS]
    ListStore(engine).append([*(a_list(f"l {user}", "xy", user) for user in users), a_list("session", "x", None)])
    seen = [Impression(f"i {user}", f"l {user}", user) for user in users]
    ImpressionStore(engine).append([*seen, Impression("i", "session", None)])
    engine.dispose()
    return address


def test_lists_and_impressions_are_exported_and_erased(tmp_path: Path, address: str) -> None:
    home, user = users_home(tmp_path / "home", TEXTS), str(TEXTS.gone)
    about = stored_about(home, MANIFEST, TEXTS.gone, address)
    for table in ("lists", "impressions"):
        assert [row["list_id"] for row in about[table]] == [f"l {user}"]
    assert [row["list_id"] for row in about["tables"]["shown"]] == [f"list of {user}"]
    assert count_feedback(user, address) == {"lists": 1, "impressions": 1}
    erase_feedback(home, MANIFEST, user, address, NOON)
    assert count_feedback(user, address) == {}
    with open_database(address).connect() as connection:
        for table in ("lists", "impressions"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() == 3
    assert user.encode() not in (tmp_path / "events.db").read_bytes()


def test_rows_of_sessions_stay_where_a_user_is_erased(tmp_path: Path) -> None:
    home = users_home(tmp_path / "home", TEXTS)
    erase_rows(home, MANIFEST, begin_erasure(home, MANIFEST, TEXTS.gone, NOON))
    assert home.lake.scan(SHOWN).collect()["user_id"].to_list() == [TEXTS.near, TEXTS.other, None]
