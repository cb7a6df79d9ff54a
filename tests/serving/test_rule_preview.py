from serving.rule_preview import preview
from serving.rules import Rules
from serving.user_state import UserState
from tests.serving.conftest import Served


def test_two_lists_tell_where_each_item_is_in_the_other(served: Served) -> None:
    snapshot = served.snapshot
    state = UserState.of(snapshot, snapshot.lists.keys[0])
    same = preview(snapshot, state, Rules(), Rules(), 5)
    assert same.same
    first = same.before[0].entry["item_id"]
    changed = preview(snapshot, state, Rules(), Rules(exclude=(first,)), 5)
    assert not changed.same
    assert [row.elsewhere for row in changed.before] == [None, 1, 2, 3, 4]
    assert [row.elsewhere for row in changed.after] == [2, 3, 4, 5, None]
