"""Taking in what users do: once, whole or not at all, and with a clear word on what is wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from nightschool.storage.database import open_database, reading
from nightschool.storage.erasure_log import Erasure, Erasures
from nightschool.storage.keys import Keys
from nightschool.storage.tables import EVENTS
from serving.contexts import Contexts
from serving.user_state import UserState
from tests.serving.client import Api


def event(api: Api, **told: Any) -> dict[str, Any]:
    return {"user_id": api.users[0], "item_id": api.snapshot.catalogue.ids[0], "event": "like", **told}


def n_events(api: Api) -> int:
    return len(api.service.feedback.newest(api.users[0], 2_000))


def test_the_same_event_again_counts_once(writing: Api) -> None:
    first = writing.post("/v1/events", event(writing, event_id="a"))
    again = writing.post("/v1/events", event(writing, event_id="a"))
    assert (first.status_code, again.status_code) == (201, 201)
    (one,), (other,) = first.json()["events"], again.json()["events"]
    assert (one["repeated"], other["repeated"]) == (False, True)
    assert one["sequence"] == other["sequence"]
    assert n_events(writing) == 1


def test_the_idempotency_key_stands_for_the_id(writing: Api) -> None:
    for repeated in (False, True):
        answer = writing.post("/v1/events", event(writing), headers={"idempotency-key": "k"})
        assert answer.json()["events"][0] == {"event_id": "k", "sequence": 1, "repeated": repeated}
    named = writing.post("/v1/events", event(writing, event_id="own"), headers={"idempotency-key": "k"})
    assert named.json()["events"][0]["event_id"] == "own"


def test_an_id_that_stands_for_another_event_is_a_conflict(writing: Api) -> None:
    writing.post("/v1/events", event(writing, event_id="a"))
    answer = writing.post("/v1/events", event(writing, event_id="a", event="hide"))
    assert answer.status_code == 409
    assert "a" in answer.json()["detail"]
    assert n_events(writing) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"item_id": 987_654}, 404),
        ({"user_id": "nobody"}, 404),
        ({"event_id": "taken"}, 409),
        ({"at": "2025-01-01T00:00:00"}, 422),
        ({"at": "1969-12-31T23:59:59Z"}, 422),
        ({"event": "love"}, 422),
    ],
)
def test_a_batch_goes_in_whole_or_not_at_all(writing: Api, fault: dict[str, Any], status: int) -> None:
    writing.post("/v1/events", event(writing, event_id="taken", event="view"))
    answer = writing.post("/v1/events", {"events": [event(writing), event(writing, **fault)]})
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert n_events(writing) == 1


@pytest.mark.parametrize(
    ("at", "told"),
    [("2025-01-01T00:00:00", "has no zone"), ("1960-01-01T00:00:00Z", "before 1970")],
)
def test_a_time_is_checked(writing: Api, at: str, told: str) -> None:
    answer = writing.post("/v1/events", event(writing, at=at))
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True)
    assert writing.post("/v1/events", event(writing, at="2025-07-01T02:00:00+02:00")).status_code == 201


def test_contexts_are_checked_against_what_the_data_declare(writing: Api) -> None:
    answer = writing.post("/v1/events", event(writing, context={"device": "phone"}))
    assert (answer.status_code, n_events(writing)) == (422, 0)
    assert "an event has no such context; saw 'device'" in answer.json()["detail"]
    assert writing.post("/v1/events", event(writing, context={"device": 3})).status_code == 422
    assert writing.post("/v1/events", event(writing, context={})).json()["warnings"] == []


def test_a_declared_context_is_kept_with_the_event(writing: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = Contexts(("hour", "device"), stored={"device": {"weight": 0.0, "values": ["desk"], "note": ""}})
    released = replace(writing.service.current.snapshot, contexts=contexts)
    monkeypatch.setattr(writing.service.current, "_shown", released)
    known = writing.post("/v1/events", event(writing, context={"device": "desk"})).json()
    strange = writing.post("/v1/events", event(writing, context={"device": "watch"})).json()
    assert known["warnings"] == []
    assert "context.device has a value that the release does not tell apart" in strange["warnings"][0]
    kept = writing.service.feedback.newest(writing.users[0], 9)
    assert [each.context for each in kept] == [{"device": "watch"}, {"device": "desk"}]


def test_a_batchs_clock_is_that_of_its_events_that_tell_none(writing: Api) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    ahead = {"at": (now + day).isoformat(), "event": "view"}
    own = {"sent_at": (now + 2 * day).isoformat()}
    batch = {"events": [event(writing, **ahead), event(writing, **ahead, **own)], "sent_at": (now + day).isoformat()}
    assert writing.post("/v1/events", batch).status_code == 201
    other, first = (kept.at for kept in writing.service.feedback.newest(writing.users[0], 2))
    assert abs(first - now) < timedelta(minutes=1)
    assert abs(other - (now - day)) < timedelta(minutes=1)
    single = writing.post("/v1/events", event(writing, **ahead, sent_at=(now + 3 * day).isoformat()))
    assert single.status_code == 201
    assert abs(writing.service.feedback.newest(writing.users[0], 1)[0].at - (now - 2 * day)) < timedelta(minutes=1)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", 1e300, -1e12, "x", ""])
def test_odd_times_break_nothing(writing: Api, at: object) -> None:
    answer = writing.post("/v1/events", event(writing, at=at))
    assert answer.status_code in {201, 422}
    assert writing.get(f"/v1/users/{writing.users[0]}/recommendations").status_code == 200
    writing.service.history(writing.users[0], 10)


def test_a_batch_has_its_bounds(reading: Api) -> None:
    assert reading.post("/v1/events", {"events": []}).status_code == 422
    assert reading.post("/v1/events", {"events": [event(reading)] * 1001}).status_code == 422
    assert reading.post("/v1/events", event(reading, more=1)).status_code == 422


def test_a_wrong_value_is_one_complaint_in_the_kind_of_body_that_was_sent(reading: Api) -> None:
    one = reading.post("/v1/events", event(reading, event="love")).json()["detail"]
    assert (one.count("love"), one.count(";"), one.startswith("body.event: ")) == (1, 0, True)
    several = reading.post("/v1/events", {"events": [event(reading), event(reading, event="love")]}).json()["detail"]
    assert several.count("love") == 1


def test_nothing_is_taken_in_of_whom_was_forgotten(writing: Api) -> None:
    user = writing.users[0]
    erasure = Erasure(user_id=user, erased_at=datetime.now(UTC), removed={}, content_hashes={}, row_counts={})
    Erasures(writing.home.lake).note(erasure)
    answer = writing.post("/v1/events", event(writing))
    assert (answer.status_code, "any more" in answer.json()["detail"]) == (404, True)
    assert n_events(writing) == 0


def test_the_next_answer_knows(writing: Api) -> None:
    user = writing.users[0]
    before = writing.items_of(user)
    writing.post("/v1/events", event(writing, item_id=before[0]))
    assert before[0] not in writing.items_of(user)


def test_the_idempotency_key_of_a_batch_stands_for_each_of_its_events(writing: Api) -> None:
    batch = {"events": [event(writing), event(writing, event="hide"), event(writing, event_id="own", event="view")]}
    answers = [writing.post("/v1/events", batch, headers={"idempotency-key": "k"}).json()["events"] for _ in range(2)]
    assert [[each["event_id"] for each in answer] for answer in answers] == [["k/0", "k/1", "own"]] * 2
    assert [[each["repeated"] for each in answer] for answer in answers] == [[False] * 3, [True] * 3]


@pytest.mark.parametrize("fault", [{"user_id": True}, {"item_id": False}, {"user_id": 1.0}])
def test_what_is_no_number_is_no_id(writing: Api, fault: dict[str, Any]) -> None:
    assert writing.post("/v1/events", event(writing, **fault)).status_code == 422


@pytest.mark.parametrize("what", ["like", "complete", "hide"])
def test_an_event_that_is_taken_back_changes_nothing_any_more(writing: Api, what: str) -> None:
    user = writing.users[0]
    before = writing.list_of(user)
    first = before["items"][0]["item_id"]
    (taken,) = writing.post("/v1/events", event(writing, item_id=first, event=what)).json()["events"]
    assert first not in [item["item_id"] for item in writing.list_of(user)["items"]]
    for _ in range(2):
        answer = writing.request("DELETE", f"/v1/events/{taken['event_id']}")
        assert (answer.status_code, answer.json()["event"]) == (200, what)
    assert writing.list_of(user) == before
    assert writing.service.history(user, 1)[0].event is None


def test_an_event_that_nobody_sent_is_not_taken_back(writing: Api) -> None:
    answer = writing.request("DELETE", "/v1/events/nothing")
    assert (answer.status_code, "no such event; saw 'nothing'" in answer.json()["detail"]) == (404, True)


def test_what_the_release_knows_of_a_hidden_item_is_taken_back_too(writing: Api) -> None:
    user, snapshot = writing.users[0], writing.snapshot
    columns = snapshot.histories.columns_of(user)
    assert columns is not None
    item, at = columns["item_id"][0], columns["timestamp"][0]
    (taken,) = writing.post("/v1/events", event(writing, item_id=item, at=at.isoformat())).json()["events"]
    assert item in [entry.item_id for entry in writing.service.history(user, 50)]
    writing.request("DELETE", f"/v1/events/{taken['event_id']}")
    assert item not in [entry.item_id for entry in writing.service.history(user, 50)]
    assert writing.list_of(user)["overlay"]


def test_a_later_like_lifts_a_hide(writing: Api) -> None:
    user, item = writing.users[0], writing.snapshot.catalogue.ids[0]
    ahead = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    for what, told in (("hide", {"at": ahead}), ("like", {})):
        writing.post("/v1/events", event(writing, item_id=item, event=what, **told))
    state = UserState.of(writing.snapshot, user, *writing.service.feedback.reactions(user))
    place = writing.snapshot.catalogue.position(item)
    assert place is not None
    assert state.current[place].score == 1


def test_a_key_for_one_user_sends_and_takes_back_nobody_elses_events(writing: Api) -> None:
    mine, other = writing.users[:2]
    keys = Keys(open_database(writing.service.settings.events_address))
    headers = {
        name: {"authorization": f"Bearer {key}"}
        for name, key in (
            ("bound", keys.add("browser", "events", user_id=str(mine))),
            ("platform", keys.add("platform", "events")),
        )
    }
    writing.service.refresh()
    sent = writing.post("/v1/events", event(writing, event_id="mine"), headers=headers["bound"])
    assert sent.status_code == 201
    both = {"events": [event(writing), event(writing, user_id=other)]}
    assert writing.post("/v1/events", both, headers=headers["bound"]).status_code == 404
    writing.post("/v1/events", event(writing, user_id=other, event_id="others"), headers=headers["platform"])
    gone = [writing.request("DELETE", f"/v1/events/{name}", headers=headers["bound"]) for name in ("others", "mine")]
    assert [answer.status_code for answer in gone] == [404, 200]
    engine = open_database(writing.service.settings.events_address)
    with reading(engine) as connection:
        rows = connection.execute(sa.select(EVENTS.c.event_id, EVENTS.c.sent_by)).tuples().all()
    assert dict(rows) == {"mine": "browser", "others": "platform"}
