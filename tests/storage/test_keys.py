from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from nightschool.errors import ConfigurationError, Conflict, NotFound
from nightschool.storage.database import writing
from nightschool.storage.keys import Keys, Role, hash_of
from nightschool.storage.tables import KEYS


def role_of(keys: Keys, key: str) -> Role | None:
    found = keys.by_hash()[0].get(hash_of(key))
    return found.role if found else None


@pytest.fixture
def keys(database: sa.Engine) -> Keys:
    return Keys(database)


def test_a_key_has_the_role_that_it_was_added_with(keys: Keys) -> None:
    assert not keys.any()
    before = datetime.now(UTC)
    reader, writer = keys.add("page", "read"), keys.add("platform", "events")
    assert (role_of(keys, reader), role_of(keys, writer)) == ("read", "events")
    assert keys.any()
    page, platform = keys.list()
    assert (page[:2], platform[:2]) == (("page", "read"), ("platform", "events"))
    assert before <= page.added_at <= platform.added_at <= datetime.now(UTC)


@pytest.mark.parametrize("key", ["", "page", "ü 学", "half \ud800", "zero \0", "x" * 10_000])
def test_what_was_not_given_out_has_no_role(keys: Keys, key: str) -> None:
    keys.add("page", "read")
    assert role_of(keys, key) is None


def test_a_part_of_a_key_and_its_hash_have_no_role(keys: Keys, database: sa.Engine) -> None:
    key = keys.add("page", "read")
    with database.connect() as connection:
        ((kept,),) = connection.exec_driver_sql("SELECT sha256 FROM keys").all()
    for other in (key[:-1], key + "=", key.swapcase(), kept):
        assert role_of(keys, other) is None


def test_keys_are_long_and_differ_and_are_not_kept(keys: Keys, database: sa.Engine) -> None:
    given = [keys.add(f"key {n}", "events") for n in range(5)]
    assert len(set(given)) == 5
    assert min(map(len, given)) >= 43
    with database.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM keys").all())
    assert not [key for key in given if key in kept]


def test_a_revoked_key_is_worth_nothing_and_its_name_is_free(keys: Keys) -> None:
    old = keys.add("page", "read")
    keys.revoke("page")
    assert (role_of(keys, old), keys.any(), keys.list(), keys.by_hash()) == (None, False, (), ({}, True))
    with pytest.raises(NotFound, match="no key has that name; saw 'page'"):
        keys.revoke("page")
    new = keys.add("page", "events")
    assert (role_of(keys, old), role_of(keys, new)) == (None, "events")


def test_a_name_is_taken_once(keys: Keys) -> None:
    key = keys.add("page", "read")
    with pytest.raises(Conflict, match="there is a key of that name; saw 'page'"):
        keys.add("page", "events")
    assert role_of(keys, key) == "read"


@pytest.mark.parametrize("name", ["", "  ", "a" * 101])
def test_a_key_has_a_name_and_not_too_long_a_one(keys: Keys, name: str) -> None:
    with pytest.raises(ConfigurationError, match="a key needs a name"):
        keys.add(name, "read")
    assert not keys.any()


def test_a_key_for_one_user_is_limited_and_does_not_operate(keys: Keys) -> None:
    keys.add("browser", "events", user_id="14")
    keys.add("slow", "read", per_second=0.5)
    browser, slow = keys.list()
    assert (browser.user_id, browser.per_second, slow.user_id, slow.per_second) == ("14", 10, None, 0.5)
    with pytest.raises(ConfigurationError, match="a key for one user cannot operate; saw '14'"):
        keys.add("other", "operate", user_id="14")


def test_a_key_of_an_earlier_version_sends_events(keys: Keys, database: sa.Engine) -> None:
    key = keys.add("platform", "events")
    with writing(database) as connection:
        connection.exec_driver_sql("UPDATE keys SET role = 'write', user_id = NULL")
    assert role_of(keys, key) == "events"
    (listed,) = keys.list()
    assert listed.allows("read")
    assert not listed.allows("operate")


def test_the_latest_use_of_a_key_is_kept(keys: Keys) -> None:
    keys.add("page", "read")
    late, early = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    for at in (late, early):
        keys.note_use({"page": at, "nobody": at})
    assert [(key.name, key.used_at) for key in keys.list()] == [("page", late)]


def test_keys_of_a_user_who_is_erased_are_revoked_and_name_nobody(keys: Keys, database: sa.Engine) -> None:
    given = [keys.add(name, "read", user) for name, user in (("a", "7"), ("b", "7"), ("c", "8"))]
    assert (keys.forget("7"), keys.forget("7"), keys.forget("half \ud800")) == (2, 0, 0)
    valid, ever = keys.by_hash()
    assert ([hash_of(key) in valid for key in given], ever) == ([False, False, True], True)
    with database.connect() as connection:
        assert connection.execute(sa.select(KEYS.c.name, KEYS.c.user_id).order_by(KEYS.c.name)).all() == [
            ("a", None),
            ("b", None),
            ("c", "8"),
        ]
