from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from nightschool.errors import Conflict, NotFound
from nightschool.storage.keys import Keys


@pytest.fixture
def keys(database: sa.Engine) -> Keys:
    return Keys(database)


def test_a_key_has_the_role_that_it_was_added_with(keys: Keys) -> None:
    assert not keys.any()
    before = datetime.now(UTC)
    reader, writer = keys.add("page", "read"), keys.add("platform", "write")
    assert (keys.role_of(reader), keys.role_of(writer)) == ("read", "write")
    assert keys.any()
    page, platform = keys.list()
    assert (page[:2], platform[:2]) == (("page", "read"), ("platform", "write"))
    assert before <= page.added_at <= platform.added_at <= datetime.now(UTC)


@pytest.mark.parametrize("key", ["", "page", "ü 学", "half \ud800", "zero \0", "x" * 10_000])
def test_what_was_not_given_out_has_no_role(keys: Keys, key: str) -> None:
    keys.add("page", "read")
    assert keys.role_of(key) is None


def test_a_part_of_a_key_and_its_hash_have_no_role(keys: Keys, database: sa.Engine) -> None:
    key = keys.add("page", "read")
    with database.connect() as connection:
        ((kept,),) = connection.exec_driver_sql("SELECT sha256 FROM keys").all()
    for other in (key[:-1], key + "=", key.swapcase(), kept):
        assert keys.role_of(other) is None


def test_keys_are_long_and_differ_and_are_not_kept(keys: Keys, database: sa.Engine) -> None:
    given = [keys.add(f"key {n}", "write") for n in range(5)]
    assert len(set(given)) == 5
    assert min(map(len, given)) >= 43
    with database.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM keys").all())
    assert not [key for key in given if key in kept]


def test_a_revoked_key_is_worth_nothing_and_its_name_is_free(keys: Keys) -> None:
    old = keys.add("page", "read")
    keys.revoke("page")
    assert (keys.role_of(old), keys.any(), keys.list()) == (None, False, ())
    with pytest.raises(NotFound, match="no key has that name; saw 'page'"):
        keys.revoke("page")
    new = keys.add("page", "write")
    assert (keys.role_of(old), keys.role_of(new)) == (None, "write")


def test_a_name_is_taken_once(keys: Keys) -> None:
    key = keys.add("page", "read")
    with pytest.raises(Conflict, match="there is a key of that name; saw 'page'"):
        keys.add("page", "write")
    assert keys.role_of(key) == "read"
