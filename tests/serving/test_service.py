"""The service whole: over one home, beside another process, through events, rules, experiments and erasures."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import ConfigurationError, ManifestError, NotFound, Unreachable
from nightschool.experiments.plan import Plan
from nightschool.experiments.store import Experiments
from nightschool.privacy.erase import begin_erasure, erase_rows
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from nightschool.vocabulary import EVERYONE
from serving.answers import ListRequest
from serving.feedback import NOTHING
from serving.neighbours import similar_items
from serving.operations import release_detail, release_entries
from serving.schemas.common import ExternalId
from serving.schemas.events import Event
from serving.schemas.impressions import Impression
from serving.service import Service
from serving.snapshot import Snapshot
from tests.serving.conftest import copied
from tests.serving.homes import publish, settings_of
from tests.serving.sent import history, learner, listed

COLD_USER = 999_999


@pytest.fixture
def service(own_home: Home) -> Service:
    return Service(settings_of(own_home))


@pytest.fixture
def snapshot(service: Service) -> Snapshot:
    return service.current.snapshot


def send(service: Service, user: ExternalId, *events: tuple[ExternalId, str], **told: Any) -> None:
    service.take_events(
        [Event.model_validate({"user_id": user, "item_id": item, "event": what, **told}) for item, what in events]
    )


def items(service: Service, user: ExternalId, **asked: Any) -> list[ExternalId]:
    return [item.item_id for item in service.recommend(user, ListRequest(**asked)).items]


def test_a_known_user_gets_the_published_list(service: Service, snapshot: Snapshot) -> None:
    user = learner(snapshot)
    answer = service.recommend(str(user), ListRequest(k=20))
    assert [item.item_id for item in answer.items] == listed(snapshot, user)
    assert (answer.user_id, answer.known, answer.overlay, answer.arms, answer.alpha) == (user, True, False, {}, None)
    assert (answer.as_of, answer.published_at) == (snapshot.release.as_of, snapshot.release.created_at)
    assert answer.release_age_hours == (datetime.now(UTC) - snapshot.release.as_of) // timedelta(hours=1)
    assert service.lists.quick_body(user, ListRequest())
    assert service.current.snapshot.has_content


def test_somebody_unknown_gets_a_list_and_an_id_that_is_none_is_refused(service: Service, snapshot: Snapshot) -> None:
    answer = service.recommend(COLD_USER, ListRequest(k=3))
    assert not answer.known
    assert [item.item_id for item in answer.items] == [item for item, _ in snapshot.audiences[EVERYONE][:3]]
    for nobody in ("x", "007", "9" * 30):
        with pytest.raises(NotFound, match="User ids in this home are whole numbers"):
            service.recommend(nobody, ListRequest())


def test_an_event_counts_at_once_here_and_after_a_refresh_elsewhere(
    service: Service, snapshot: Snapshot, own_home: Home
) -> None:
    there = Service(settings_of(own_home))
    user = learner(snapshot)
    first = listed(snapshot, user)[0]
    assert items(there, user)[0] == first
    send(service, user, (first, "complete"))
    assert service.lists.quick_body(user, ListRequest()) is None
    assert first not in items(service, user)
    assert service.recommend(user, ListRequest()).overlay
    assert service.lists.quick_body(user, ListRequest())
    assert items(there, user)[0] == first
    there.refresh()
    assert items(there, user) == items(service, user)
    assert items(there, learner(snapshot, 1)) == listed(snapshot, learner(snapshot, 1))[:10]


def test_a_key_of_somebody_takes_back_what_they_sent_in_any_case(
    texts: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Manifest, "folded", lambda self, user_id: user_id.lower())
    service = Service(settings_of(copied(texts, tmp_path / "own")))
    taken = service.take_events([Event(user_id="Ada@X.org", item_id="1", event="like")]).events[0]
    assert service.undo_event(taken.event_id, "Ada@X.org").user_id == "ada@x.org"


def test_a_view_is_kept_and_changes_no_list(service: Service, snapshot: Snapshot) -> None:
    user = learner(snapshot)
    send(service, user, (listed(snapshot, user)[0], "view"))
    assert items(service, user) == listed(snapshot, user)[:10]
    assert not service.recommend(user, ListRequest()).overlay
    assert service.history(user, 1)[0].event == "view"


def test_somebody_unknown_becomes_known_by_events(service: Service, snapshot: Snapshot) -> None:
    with pytest.raises(NotFound):
        service.similar_users(COLD_USER, "combined")
    before = items(service, COLD_USER)
    send(service, COLD_USER, (before[0], "like"))
    assert before[0] not in items(service, COLD_USER)
    assert {item.source for item in service.recommend(COLD_USER, ListRequest()).items} <= {"ease", "content"}
    assert service.knows(snapshot, COLD_USER)
    assert service.similar_users(COLD_USER, "combined").users == []


def test_a_request_narrows_a_list(service: Service, snapshot: Snapshot) -> None:
    user = learner(snapshot)
    order = listed(snapshot, user)
    assert items(service, user, k=3, exclude=(str(order[0]),)) == order[1:4]
    assert items(service, user, alpha=0.7) == order[:10]
    assert service.recommend(user, ListRequest(alpha=0.7)).alpha == 0.7
    with pytest.raises(ConfigurationError):
        service.recommend(user, ListRequest(max_difficulty="Expert"))


def test_another_rules_file_counts_from_the_next_refresh(service: Service, snapshot: Snapshot) -> None:
    user = learner(snapshot)
    order = listed(snapshot, user)
    file = service.settings.paths.rules
    file.write_text(f"exclude = [{order[0]}]\n")
    assert items(service, user)[0] == order[0]
    service.refresh()
    assert items(service, user, k=3) == order[1:4]
    assert service.lists.quick_body(user, ListRequest()) is None
    file.write_text(f"exclude = [{order[1]}]\n")
    os.utime(file, ns=(1, 1))
    service.refresh()
    assert items(service, user, k=2) == [order[0], order[2]]
    file.unlink()
    service.refresh()
    assert items(service, user, k=2) == order[:2]


def test_a_faulty_rules_file_keeps_nothing_else_back(own_home: Home, service: Service, snapshot: Snapshot) -> None:
    user, other = learner(snapshot), Service(settings_of(own_home))
    order = listed(snapshot, user)
    service.settings.paths.rules.write_text("quota = 0\n")
    send(other, user, (order[0], "hide"))
    release = publish(own_home, k=19)
    with pytest.raises(ManifestError, match=r"rules\.toml, line 1: quota"):
        service.refresh()
    answer = service.recommend(user, ListRequest())
    assert (answer.release_id, answer.overlay) == (release.release_id, True)
    assert order[0] not in [item.item_id for item in answer.items]


def start(service: Service, **second: Any) -> Experiments:
    experiments = Experiments(open_database(service.settings.events_address))
    arms = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, **second}]
    experiments.start(Plan.model_validate({"name": "try", "arms": arms}))
    service.refresh()
    return experiments


def test_an_experiment_shows_each_arm_its_list_and_writes_it_down(service: Service, snapshot: Snapshot) -> None:
    experiments = start(service, alpha=0.0)
    users = [learner(snapshot, place) for place in range(12)]
    lists = {user: service.recommend(user, ListRequest()) for user in users}
    arms = {user: made.arms["try"] for user, made in lists.items()}
    assert set(arms.values()) == {"a", "b"}
    for user, arm in arms.items():
        answer = service.recommend(user, ListRequest())
        if arm == "a":
            assert [item.item_id for item in answer.items] == listed(snapshot, user)[:10]
        else:
            assert {item.source for item in answer.items} == {"content"}
            assert answer.alpha == 0.0
    service.refresh()
    assert experiments.outcomes("try").height == 0
    for user in users[:-1]:
        service.take_impressions([Impression.model_validate({"list_id": lists[user].list_id, "user_id": user})])
    last = users[-1]
    send(service, last, (lists[last].items[0].item_id, "view"), list_id=lists[last].list_id)
    outcomes = experiments.outcomes("try")
    assert dict(outcomes.select("user_id", "arm").rows()) == {str(user): arm for user, arm in arms.items()}


def test_who_asks_for_an_alpha_is_in_no_arm(service: Service, snapshot: Snapshot) -> None:
    experiments = start(service, rules={"quota": 1})
    for place in range(6):
        user = learner(snapshot, place)
        answer = service.recommend(user, ListRequest(alpha=0.4))
        assert (answer.arms, answer.alpha) == ({}, 0.4)
        service.take_impressions([Impression.model_validate({"list_id": answer.list_id, "user_id": user})])
    service.refresh()
    assert experiments.outcomes("try").height == 0
    experiments.stop("try", "enough")
    service.refresh()
    assert service.recommend(1, ListRequest()).arms == {}


def test_without_content_alpha_is_refused_and_its_experiment_rests(own_home: Home) -> None:
    service = Service(settings_of(own_home))
    start(service, alpha=0.3)
    user = learner(service.current.snapshot)
    assert service.recommend(user, ListRequest()).arms
    service.experiments.refresh(with_content=False)
    assert service.recommend(user, ListRequest()).arms == {}


def test_a_new_release_answers_from_the_next_refresh(service: Service, own_home: Home) -> None:
    first = service.recommend(1, ListRequest()).release_id
    second = publish(own_home, {"components": [{"model": "content"}]}).release_id
    assert service.recommend(1, ListRequest()).release_id == first
    service.refresh()
    assert service.recommend(1, ListRequest()).release_id == second
    assert [entry.id for entry in release_entries(service.current.lake())] == [first, second]
    detail = release_detail(service.current.lake(), second)
    assert detail.recipe["components"][0]["model"] == "content"
    assert detail.row_counts
    with pytest.raises(NotFound):
        release_detail(service.current.lake(), "nothing")


def test_somebody_who_is_forgotten_is_unknown_and_sends_nothing(
    service: Service, snapshot: Snapshot, own_home: Home
) -> None:
    user, other = learner(snapshot), learner(snapshot, 1)
    service.recommend(user, ListRequest())
    erased_user = begin_erasure(own_home, snapshot.manifest, user, datetime.now(UTC))
    erase_rows(own_home, snapshot.manifest, erased_user)
    service.refresh()
    assert not service.recommend(user, ListRequest()).known
    assert service.history(user, 9) == []
    assert items(service, other, k=20) == listed(snapshot, other)
    for sender in (user, str(user)):
        with pytest.raises(NotFound, match="no such user any more"):
            send(service, sender, (3, "like"))
    send(service, other, (3, "like"))


def test_a_home_without_a_release_says_so(tmp_path: Any) -> None:
    service = Service(Settings(home=tmp_path))
    with pytest.raises(Unreachable, match="no release is published yet"):
        service.recommend(1, ListRequest())
    assert release_entries(service.current.lake()) == []
    with pytest.raises(NotFound, match="no such release"):
        release_detail(service.current.lake(), "x")


def test_neighbours_are_those_of_the_release(snapshot: Snapshot) -> None:
    item = snapshot.similar_items.keys[0]
    columns = snapshot.similar_items.columns_of(item)
    assert columns is not None
    found = similar_items(snapshot, str(item), 5)
    assert [(near.rank, near.item_id) for near in found.items] == [*enumerate(columns["neighbor_id"][:5], 1)]
    for nothing in ("x", 10**9):
        with pytest.raises(NotFound, match="no such item"):
            similar_items(snapshot, nothing, 5)


@pytest.mark.parametrize("method", ["combined", "interests", "co_engagement"])
def test_users_alike_are_told_by_method(service: Service, snapshot: Snapshot, method: Any) -> None:
    user = learner(snapshot)
    frame = snapshot.similar_users.of(user)
    assert frame is not None
    rows = [row for row in frame.iter_rows(named=True) if row["method"] == method]
    found = service.similar_users(user, method).users
    assert [(near.user_id, near.support) for near in found] == [(row["neighbor_id"], row["support"]) for row in rows]
    assert user not in [near.user_id for near in found]


def test_a_history_begins_with_what_was_sent(service: Service, snapshot: Snapshot) -> None:
    user = learner(snapshot)
    known = list(history(snapshot, user))
    new = listed(snapshot, user)[0]
    send(service, user, (known[2], "dislike"), (new, "view"), (new, "like"))
    told = service.history(user, 50)
    assert [entry.item_id for entry in told] == [new, known[2], *(item for item in known if item != known[2])]
    assert [entry.event for entry in told[:3]] == ["like", "dislike", None]
    assert [entry.item_id for entry in service.history(str(user), 2)] == [new, known[2]]
    assert service.history(COLD_USER, 5) == []
    with pytest.raises(NotFound, match="User ids in this home are whole numbers"):
        service.history("x", 5)


def test_what_is_wrong_is_not_taken(service: Service, snapshot: Snapshot) -> None:
    with pytest.raises(ConfigurationError, match="before 1970"):
        send(service, 1, (3, "like"), at=datetime(1969, 1, 1, tzinfo=UTC))
    with pytest.raises(NotFound):
        send(service, 1, (3, "like"), (COLD_USER, "like"))
    assert service.feedback.mark(1) == NOTHING
