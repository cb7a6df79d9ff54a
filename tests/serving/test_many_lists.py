from serving.answers import ListRequest
from serving.many_lists import blocks, encode, lists_of, pools_of
from serving.schemas.lists import ManyLists
from tests.serving.client import Api


def test_each_user_is_in_one_block() -> None:
    users = [*range(60), 3, 4]
    assert [user for block in blocks(users) for user in block] == list(range(60))
    assert all(len(block) <= 50 for block in blocks(users))
    assert list(blocks([])) == []
    assert list(blocks([14, "15", "14", 15])) == [[14, "15"]]


def test_lists_and_refusals_of_several_blocks_are_one_answer(reading: Api) -> None:
    first, second = reading.users[:2]
    answers = [lists_of(reading.service, None, users, ListRequest(k=3)) for users in ([first, "x"], [second])]
    found = ManyLists.model_validate_json(encode(answers))
    assert [one.user_id for one in found.lists] == [first, second]
    assert [one.user_id for one in found.refused] == ["x"]
    assert ManyLists.model_validate_json(encode([])) == ManyLists(lists=[], refused=[])


def test_lists_that_must_be_made_are_the_same_from_pools_read_at_once(reading: Api) -> None:
    asked, users = ListRequest(k=5, diversity=0.4), [*reading.users[:30], 999_999]
    pools = pools_of(reading.service, [*users, "x"], asked)
    assert pools is not None
    assert pools.found.keys() <= set(users)
    made, _ = lists_of(reading.service, pools, users, asked)
    assert made == [reading.service.lists.body(user, asked).json for user in users]
    assert pools_of(reading.service, users, ListRequest(k=5)) is None
