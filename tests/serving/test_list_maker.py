"""When a list is made again, and when it is only looked up."""

import pytest

from nightschool.storage.home import Home
from serving.answers import ListRequest
from serving.schemas.events import Event
from serving.service import Service
from tests.serving.homes import settings_of
from tests.serving.sent import learner, listed


@pytest.fixture
def service(own_home: Home) -> Service:
    return Service(settings_of(own_home))


def test_a_list_is_made_once_until_something_changes(service: Service) -> None:
    user, lists = learner(service.current.snapshot), service.lists
    assert lists.body(user, ListRequest()) is lists.body(str(user), ListRequest())
    assert lists.body(user, ListRequest()).tag != lists.body(user, ListRequest(k=5)).tag
    before = lists.body(user, ListRequest())
    service.refresh()
    assert lists.body(user, ListRequest()) is before
    first = listed(service.current.snapshot, user)[0]
    service.take_events([Event.model_validate({"user_id": user, "item_id": first, "event": "hide"})])
    assert lists.body(user, ListRequest()).tag != before.tag
