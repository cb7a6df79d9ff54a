from serving.user_search import search_users
from tests.serving.client import Api


def test_without_a_text_the_first_are_found(reading: Api) -> None:
    found = search_users(reading.snapshot, " ", 3)
    assert [each.user_id for each in found] == reading.users[:3]
    assert set(found[0].about) == {"seniority", "department", "title", "learning_style"}
    assert found[0].n_items == len(reading.service.history(found[0].user_id, 1000))


def test_the_very_id_then_beginnings_then_parts_are_found(reading: Api) -> None:
    found = [each.user_id for each in search_users(reading.snapshot, "24", 50)]
    assert found[0] == 24
    begins = [user for user in found if str(user).startswith("24")]
    assert found[: len(begins)] == begins
    assert set(found) == {user for user in reading.users if "24" in str(user)}


def test_nobody_is_found_by_a_pattern(reading: Api) -> None:
    assert search_users(reading.snapshot, ".*", 5) == []
