"""Lists in a context: the pool's scores with what the context adds, and what of a request changes nothing."""

from datetime import UTC, datetime

import numpy as np
import pytest

from nightschool.columns import CONTEXT_LIFTS
from nightschool.errors import ConfigurationError
from nightschool.night.entries import ContextEntry
from nightschool.night.records import ContextualiseRecord
from nightschool.storage.home import Home
from nightschool.storage.release_reader import Reader
from serving.answers import ListRequest
from serving.candidates import Scorer
from serving.contexts import Contexts
from serving.service import Service
from serving.user_state import UserState
from tests.serving.client import Api
from tests.serving.homes import publish, settings_of
from tests.serving.sent import learner, listed

HOURS = tuple(sorted(str(hour) for hour in range(24)))
OFF = {"strength": None, "weight": 0.0, "difference": None, "note": "not shown to help"}
RECORD = ContextualiseRecord(
    timezone="UTC",
    contexts=(
        ContextEntry(name="hour", values=HOURS, strength=2.0, weight=3.0, difference=None, note=""),
        ContextEntry(name="weekday", values=("monday", "sunday"), **OFF),
    ),
    figures={},
)


@pytest.fixture
def service(own_home: Home) -> Service:
    publish(own_home, contextual=RECORD, seed=7)
    return Service(settings_of(own_home))


def test_a_list_is_ordered_by_the_pool_and_the_lifts_of_its_context(service: Service, own_home: Home) -> None:
    snapshot = service.current.snapshot
    user = learner(snapshot)
    answer = service.recommend(user, ListRequest(k=20, context=(("hour", "8"),)))
    assert answer.context == {"hour": "8"}
    assert answer.warnings == []
    candidates = Scorer(snapshot, UserState.of(snapshot, user)).by_recipe()
    assert candidates is not None
    rows = Reader(own_home, snapshot.release).table(CONTEXT_LIFTS)
    lifts = {row["item_id"]: row["lift"] for row in rows.collect().filter(value="8").iter_rows(named=True)}
    ids = [snapshot.catalogue.ids[item] for item in candidates.items]
    totals = [score + 3 * lifts.get(item, 0) for item, score in zip(ids, candidates.scores.tolist(), strict=True)]
    expected = [ids[place] for place in np.argsort(-np.array(totals), kind="stable")[:20]]
    found = [entry.item_id for entry in answer.items]
    assert found == expected
    assert found != listed(snapshot, user)


def test_the_hour_is_that_of_the_request_unless_it_is_given(service: Service) -> None:
    user = learner(service.current.snapshot)
    before = datetime.now(UTC).hour
    answer = service.recommend(user, ListRequest())
    assert answer.context["hour"] in {str(before), str(datetime.now(UTC).hour)}
    assert answer.warnings == []
    assert service.lists.quick_body(user, ListRequest())


def test_what_changes_nothing_is_said_and_makes_no_answer_of_its_own(service: Service) -> None:
    snapshot = service.current.snapshot
    user = learner(snapshot)
    one, other = (service.lists.body(user, ListRequest(k=20, context=(("hour", value),))) for value in ("25", "noon"))
    assert one is other
    answer = service.recommend(user, ListRequest(k=20, context=(("hour", "25"), ("weekday", "monday"))))
    assert [item.item_id for item in answer.items] == listed(snapshot, user)
    assert answer.context == {}
    assert answer.warnings == [
        f"context.hour changes nothing: its value is none of {', '.join(HOURS)}",
        "context.weekday changes nothing: not shown to help",
    ]


def test_a_context_that_the_data_do_not_have_is_refused_with_those_they_have(service: Service) -> None:
    with pytest.raises(ConfigurationError, match=r"no such context; saw 'device'.*use one of hour, weekday"):
        service.lists.body(learner(service.current.snapshot), ListRequest(context=(("device", "phone"),)))


def test_events_carry_declared_contexts_alone() -> None:
    stored = {"device": {"weight": 0.0, "values": ["desk", "phone"], "note": "not shown to help"}}
    contexts = Contexts(("hour", "weekday", "device", "place"), stored=stored)
    contexts.require_declared(["device", "place"])
    with pytest.raises(ConfigurationError, match=r"no such context; saw 'colour'.*use one of device, place"):
        contexts.require_declared(["device", "colour"])
    with pytest.raises(ConfigurationError, match=r"saw 'hour'.*give the time of the event in at"):
        contexts.require_declared(["hour"])
    with pytest.raises(ConfigurationError, match="the data declare no context"):
        Contexts(("hour", "weekday")).require_declared(["device"])
    assert contexts.unlearned([{"device": "phone"}, {}]) == []
    (device, place) = contexts.unlearned([{"device": "watch", "place": "home"}, {"device": "watch"}])
    assert device.startswith("context.device has a value that the release does not tell apart: it is kept")
    assert place.startswith("context.place has a value")


def test_choices_are_those_of_contexts_that_are_on_in_the_order_of_time(service: Service) -> None:
    assert service.current.snapshot.contexts.choices() == {"hour": [str(hour) for hour in range(24)]}
    stored = {"weekday": {"weight": 1.0, "values": ["friday", "monday", "sunday"]}}
    assert Contexts(("weekday",), stored=stored).choices() == {"weekday": ["monday", "friday", "sunday"]}


def test_hours_are_read_in_the_zone_of_the_release() -> None:
    stored = {"hour": {"weight": 1.0, "values": ["0"]}, "weekday": {"weight": 1.0, "values": ["monday"]}}
    contexts = Contexts(("hour", "weekday"), "Europe/Berlin", stored)
    late = datetime(2024, 6, 30, 22, 30, tzinfo=UTC)
    assert contexts.applied((), late).values == (("hour", "0"), ("weekday", "monday"))
    assert contexts.applied((("hour", "1"),), late).values == (("weekday", "monday"),)
    assert contexts.applied((), None).values == ()


def test_a_release_without_contexts_answers_as_before(reading: Api) -> None:
    path = f"/v1/users/{reading.users[0]}/recommendations"
    plain, asked = reading.get(path).json(), reading.get(f"{path}?context.hour=8").json()
    assert plain["context"] == asked["context"] == {}
    assert plain["warnings"] == []
    assert asked["warnings"] == ["context.hour changes nothing: the release was made without it"]
    assert asked["items"] == plain["items"]
    refused = reading.get(f"{path}?context.device=phone")
    assert refused.status_code == 422
    assert "hour, weekday" in refused.json()["detail"]
    assert reading.get(f"{path}?contxt.hour=8").status_code == 422
