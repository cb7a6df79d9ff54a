"""When a list is made again, and when it is only looked up."""

import orjson
import pytest

from nightschool.experiments.plan import Plan
from nightschool.experiments.store import Experiments
from nightschool.storage.database import open_database
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


def test_experiments_change_the_lists_of_their_scenarios_and_a_list_names_the_arms(service: Service) -> None:
    service.settings.paths.scenarios.write_text("[home]\n[below]\n", encoding="utf-8")
    experiments = Experiments(open_database(service.settings.events_address))
    arms = ({"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "alpha": 0.0})
    experiments.start(Plan.model_validate({"name": "mix", "arms": arms, "scenarios": ["home"]}))
    arms = ({"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "rules": {"quota": 1}})
    experiments.start(Plan.model_validate({"name": "kinds", "arms": arms, "layer": "kinds"}))
    service.refresh()
    user = learner(service.current.snapshot)
    made = {name: service.lists.body(user, ListRequest(scenario=name)) for name in ("", "home", "below")}
    found = {name: orjson.loads(body.json)["arms"] for name, body in made.items()}
    assert {name: [*each] for name, each in found.items()} == {
        "": ["kinds"],
        "home": ["mix", "kinds"],
        "below": ["kinds"],
    }
    assert {name: orjson.loads(body.row.arms) for name, body in made.items()} == found
    assert orjson.loads(service.lists.body(user, ListRequest(diversity=0.5)).json)["arms"] == {}
