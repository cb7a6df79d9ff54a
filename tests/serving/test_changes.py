"""From what a service was told to the next release: through the night's ingest, and what stays in force after it."""

from pathlib import Path
from typing import Any

import pytest

from nightschool.application.bind_home import bind_home
from nightschool.application.sources import ingest_sources
from nightschool.columns import ITEM_ID, ITEMS
from nightschool.errors import Unreachable
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.as_of import scan_at
from nightschool.storage.home import Home
from serving.changed_snapshot import ChangedSnapshot
from serving.service import CHANGES
from tests.serving.client import Api
from tests.serving.homes import publish

NEW = 9_001
BEES = {"title": "Beekeeping", "domain": "Bees", "difficulty": "Beginner"}


@pytest.fixture
def nightly(home: Path, tmp_path: Path) -> Home:
    """A home whose rows came in from files, with a release."""
    source = tmp_path / "source"
    simulate(SimulatorConfig(users=80, items=60, interactions=1_500), source)
    bound = bind_home("learning", source)
    ingest_sources(bound, None)
    publish(bound)
    return bound


def next_night(home: Home) -> dict[str, Any]:
    """A night: what came is taken in, and a release published; returns the counts of items."""
    taken = ingest_sources(home, None).to_dict()["items"]
    publish(home)
    return taken


def test_the_next_release_holds_what_was_said_and_later_changes_stay_in_force(nightly: Home) -> None:
    with Api.over(nightly) as api:
        user, (renamed, gone, *_) = api.users[0], api.items_of(api.users[0])
        api.request("PUT", f"/v1/items/{NEW}", json=BEES)
        api.request("PATCH", f"/v1/items/{renamed}", json={"title": "Renamed"})
        api.request("DELETE", f"/v1/items/{gone}")
        for learner in api.users[:5]:
            api.send(learner, "like", NEW)
        taken = ingest_sources(nightly, None).to_dict()
        assert (taken["items"]["accepted"], taken["items"]["quarantined"]) == (3, 0)
        assert (taken["interactions"]["accepted"], taken["interactions"]["quarantined"]) == (5, 0)
        rows = scan_at(nightly.lake, ITEMS, api.service.feedback.newest(user, 1)[0].at).collect()
        assert rows.filter(rows[ITEM_ID] == NEW)["title"].to_list() == ["Beekeeping"]
        api.request("PATCH", f"/v1/items/{NEW}", json={"title": "Said after the ingest"})
        publish(nightly)
        api.service.refresh()
        base, shown = api.service.current.served, api.snapshot
        assert base is not None
        assert isinstance(shown, ChangedSnapshot)
        assert base.catalogue.describe(NEW)["title"] == "Beekeeping"
        assert base.catalogue.describe(renamed)["title"] == "Renamed"
        assert gone not in [base.catalogue.ids[place] for place in base.available.nonzero()[0]]
        assert base.popularity[base.catalogue.positions([NEW])].tolist() == [5]
        assert shown.changed[ITEM_ID].to_list() == [NEW]
        assert shown.gone == set()
        assert api.get(f"/v1/items/{NEW}").json()["item"]["title"] == "Said after the ingest"
        assert gone not in api.items_of(user)
        assert next_night(nightly)["accepted"] == 1
        api.service.refresh()
        assert api.snapshot is api.service.current.served
        assert api.get(f"/v1/items/{NEW}").json()["item"]["title"] == "Said after the ingest"


def test_a_file_that_came_later_counts_more(nightly: Home) -> None:
    with Api.over(nightly) as api:
        item_id, file = api.snapshot.catalogue.ids[0], nightly.binding.source_root / "content.csv"
        title = api.snapshot.catalogue.describe(item_id)["title"]
        api.request("PATCH", f"/v1/items/{item_id}", json={"title": "Said"})
        api.request("PUT", f"/v1/items/{NEW}", json=BEES)
        other = api.snapshot.catalogue.describe(api.snapshot.catalogue.ids[1])["title"]
        file.write_text(file.read_text().replace(other, "In a file that came later"))
        next_night(nightly)
        api.service.refresh()
        assert api.get(f"/v1/items/{item_id}").json()["item"]["title"] == title
        assert api.get(f"/v1/items/{NEW}").json()["available"] is True
        assert api.snapshot is api.service.current.served


def test_a_rollback_brings_what_was_said_since_into_force_again(nightly: Home) -> None:
    before = nightly.releases.current()
    assert before is not None
    with Api.over(nightly) as api:
        api.request("PUT", f"/v1/items/{NEW}", json=BEES)
        next_night(nightly)
        api.service.refresh()
        nightly.releases.rollback(before.release_id, "worse")
        api.service.refresh()
        assert api.snapshot.release.release_id == before.release_id
        assert api.get(f"/v1/items/{NEW}").json()["item"]["title"] == "Beekeeping"


def test_a_server_that_ended_before_it_refreshed_serves_what_it_stored(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Api.over(own_home) as api:
        gone = api.items_of(api.users[0])[0]

        def unreachable(*_: object, **__: object) -> None:
            raise Unreachable("the database does not answer")

        with monkeypatch.context() as patch:
            patch.setattr(api.service.current.changes, "_read", lambda *_, **__: {})
            assert api.request("DELETE", f"/v1/items/{gone}").status_code == 200
        assert gone in api.items_of(api.users[0])
        with monkeypatch.context() as patch:
            patch.setattr(api.service.current.changes, "_read", unreachable)
            assert api.service.upkeep.attempt(CHANGES) is not None
            assert api.get("/ready").status_code == 503
    with Api.over(own_home) as again:
        assert gone not in again.items_of(again.users[0])


def test_items_end_while_they_are_served(writing: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    item_id = writing.items_of(writing.users[0])[0]
    writing.request("PATCH", f"/v1/items/{item_id}", json={"until": "2999-01-01T00:00:00Z"})
    assert writing.get(f"/v1/items/{item_id}").json()["available"] is True
    changes = writing.service.current.changes
    (end,) = writing.snapshot.changed["until"].to_list()  # type: ignore[attr-defined]

    class Later:
        @staticmethod
        def now(_: object) -> Any:
            return end

    monkeypatch.setattr("serving.changes.datetime", Later)
    assert changes.refresh(writing.service.current.served) is not writing.snapshot  # type: ignore[arg-type]
    writing.service.take_changes()
    assert writing.get(f"/v1/items/{item_id}").json()["available"] is False
