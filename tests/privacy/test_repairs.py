import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightschool.privacy.locate import UserRecords
from nightschool.privacy.repairs import erase_repairs, repairs_naming
from nightschool.privacy.stored_about import stored_about
from nightschool.storage.database import open_database
from nightschool.storage.quarantine.repairs import Place, Repairs
from tests.privacy.users import MANIFEST, NUMBERS, TEXTS, Users, users_home

PLACE = Place("interactions", "log.csv", 4)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'events.db'}"


@pytest.mark.parametrize("users", [NUMBERS, TEXTS])
def test_a_waiting_correction_that_names_a_user_is_shown_and_erased(users: Users, tmp_path: Path, address: str) -> None:
    home = users_home(tmp_path / "home", users)
    records = UserRecords(users.gone, home.lake, MANIFEST)
    (column,) = {part.user for part in MANIFEST.interactions}
    store = Repairs(open_database(address))
    store.ask(PLACE, "{}", json.dumps({column: str(users.gone)}), "ops")
    store.ask(PLACE._replace(source_row=5), "{}", json.dumps({column: "987"}), "ops")
    assert [each.place for each in repairs_naming(records, address)] == [PLACE]
    document = stored_about(home, MANIFEST, users.gone, address)
    assert [row["place"] for row in document["repairs"]] == [["interactions", "log.csv", 4]]
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert erase_repairs(records, address) == 1
    assert erase_repairs(records, address) == 0
    assert [each.place.source_row for each in store.waiting()] == [5]


def test_a_refusal_that_names_a_user_is_shown_and_erased(tmp_path: Path, address: str) -> None:
    records = UserRecords(TEXTS.gone, users_home(tmp_path / "home", TEXTS).lake, MANIFEST)
    store = Repairs(open_database(address))
    store.ask(PLACE, "{}", "{}  ", "ops")
    store.end(store.waiting()[0], "refused", datetime.now(UTC), f"the rows of {TEXTS.gone} cannot be read")
    assert [each.place for each in repairs_naming(records, address)] == [PLACE]
    assert erase_repairs(records, address) == 1


def test_a_home_without_a_database_has_none(tmp_path: Path, address: str) -> None:
    records = UserRecords(TEXTS.gone, users_home(tmp_path / "home", TEXTS).lake, MANIFEST)
    assert repairs_naming(records, address) == []
    assert erase_repairs(records, address) == 0
    assert not (tmp_path / "events.db").exists()
