import pytest

from serving.people import search_users
from serving.snapshot import Snapshot
from tests.serving.conftest import Served
from tests.serving.sent import history


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def found(snapshot: Snapshot, query: str, n: int = 300) -> list[object]:
    return [user.user_id for user in search_users(snapshot, query, n)]


def test_without_text_the_first_users_are_found(snapshot: Snapshot) -> None:
    for query in ("", "  "):
        assert found(snapshot, query, 5) == snapshot.lists.keys.to_list()[:5]


def test_the_very_id_comes_first_then_beginnings_then_parts(snapshot: Snapshot) -> None:
    users = [str(user) for user in snapshot.lists.keys.to_list()]
    begins = [user for user in users if user.startswith("12")]
    holds = [user for user in users if "12" in user and user not in begins]
    assert [str(user) for user in found(snapshot, " 12 ")] == ["12", *[user for user in begins if user != "12"], *holds]
    assert holds


def test_the_very_id_is_found_even_if_many_begin_with_it(snapshot: Snapshot) -> None:
    assert found(snapshot, "1", 1) == [1]
    assert len(found(snapshot, "1", 7)) == 7


@pytest.mark.parametrize("query", ["x", ".*", "1000000", "%"])
def test_nobody_may_be_found(snapshot: Snapshot, query: str) -> None:
    assert found(snapshot, query) == []


def test_a_found_user_is_told_with_what_is_known(snapshot: Snapshot) -> None:
    (user, *_) = search_users(snapshot, "7", 1)
    assert user.user_id == 7
    assert dict(user.about) == snapshot.attributes(7)
    assert user.n_items == len(history(snapshot, 7))


def test_somebody_without_a_history_has_met_nothing(snapshot: Snapshot) -> None:
    quiet = next(user for user in snapshot.lists.keys.to_list() if not history(snapshot, user))
    assert search_users(snapshot, str(quiet), 1)[0].n_items == 0
