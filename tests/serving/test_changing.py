"""What is checked before a change is stored, also who may not be added."""

from datetime import UTC, datetime

import pytest

from nightschool.columns import ITEMS, USERS
from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.erasure_log import Erasure, Erasures
from nightschool.storage.home import Home
from serving.changing import Asked, change_entities
from tests.serving.client import Api

BEES = {"title": "Beekeeping"}


def test_the_name_of_the_key_is_kept(writing: Api) -> None:
    change_entities(writing.service, ITEMS, [Asked(9_001, "put", BEES)], "shop")
    with writing.service.current.changes.stores[ITEMS.name]._engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT item_id, action, sent_by FROM item_changes").all()
    assert rows == [("9001", "put", "shop")]


def test_who_was_erased_cannot_be_added(writing: Api, own_home: Home) -> None:
    user = writing.users[0]
    gone = Erasure(user_id=user, erased_at=datetime.now(UTC), removed={}, content_hashes={}, row_counts={})
    Erasures(own_home.lake).note(gone)
    for action in ("put", "patch", "withdraw"):
        with pytest.raises(NotFound, match="no such user any more"):
            change_entities(writing.service, USERS, [Asked(user, action, {"department": "X"})])
    assert writing.service.current.changes.stores[USERS.name].newest() == 0


def test_a_number_and_its_text_are_one_id(writing: Api) -> None:
    (one,) = change_entities(writing.service, ITEMS, [Asked(9_001, "put", BEES)])
    (other,) = change_entities(writing.service, ITEMS, [Asked("9001", "put", BEES)])
    assert (other.entity_id, other.stored, other.repeated) == (9_001, one.stored, True)
    with pytest.raises(ConfigurationError, match="an id is there twice; saw '9001'"):
        change_entities(writing.service, ITEMS, [Asked(9_001, "put", BEES), Asked("9001", "put", BEES)])


@pytest.mark.parametrize("item_id", ["", " 7", "7\n", "a\x00", "9" * 513])
def test_ids_that_no_file_can_have_are_refused(writing: Api, item_id: str) -> None:
    with pytest.raises(ConfigurationError, match="this can be no id of items"):
        change_entities(writing.service, ITEMS, [Asked(item_id, "put", BEES)])


def test_a_dataset_without_a_table_of_users_has_none_to_change(writing: Api) -> None:
    bare = writing.snapshot.manifest.model_copy(update={"users": None, "items": None})
    vars(writing.snapshot)["manifest"] = bare
    for table in (ITEMS, USERS):
        with pytest.raises(ConfigurationError, match=f"the dataset has no table of {table.name}"):
            change_entities(writing.service, table, [Asked(1, "put", BEES)])
