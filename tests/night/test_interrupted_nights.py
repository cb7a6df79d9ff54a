import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nightschool.errors import GateRefused
from nightschool.night.config import NightConfig
from nightschool.night.night import Night, resolve_night
from nightschool.storage.home import Home
from nightschool.storage.releases import Release
from tests.night.nights import (
    CHANGES,
    CONFIG,
    MANIFEST,
    MONDAY,
    REQUEST,
    TUESDAY,
    Change,
    draft,
    finish,
    left_over,
    make_home,
    meet,
    publish,
    start,
    statuses,
)


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


# A night that was interrupted


def test_an_interrupted_night_goes_on_under_its_own_t_with_its_stages(opened: Home) -> None:
    night = start(opened)
    night.records.put("select", {"recipe": "x"})
    meet(opened, TUESDAY, row=2)
    again = start(opened)
    assert again.identity == night.identity
    assert again.records.get("select") == {"recipe": "x"}
    assert start(opened, replace(REQUEST, as_of=MONDAY)).identity == night.identity
    assert statuses(opened) == []


CHANGED: dict[str, Change] = {name: change for name, change in CHANGES.items() if name != "manifest"}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_an_interrupted_night_is_abandoned_when_an_input_changed(opened: Home, change: Change) -> None:
    night = start(opened)
    night.records.put("select", {})
    after = change(opened)
    assert after.records.get("select") is None
    assert not night.folder.exists()
    (row,) = opened.releases.history()
    assert (row.status, row.run_key, row.as_of) == ("abandoned", night.identity.run_key, MONDAY)
    assert "changed since it was interrupted" in row.reason


def test_an_interrupted_night_is_abandoned_when_the_champion_moved(opened: Home) -> None:
    first = finish(start(opened))
    second = finish(start(opened, replace(REQUEST, force=True)))
    meet(opened, TUESDAY, row=2)
    night = start(opened)
    night.records.put("prove", {})
    opened.releases.rollback(first.release_id, "the second is odd")
    again = start(opened)
    assert again.champion is not None
    assert again.champion.release_id == first.release_id != second.release_id
    assert again.records.get("prove") is None
    assert statuses(opened) == ["published"] * 3 + ["abandoned"]
    assert again.identity == night.identity
    assert finish(again).status == "published"


def test_an_abandoned_night_is_told_once_however_often_its_end_is_killed(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(opened)
    other = NightConfig(k=49)
    with monkeypatch.context() as patch:
        patch.setattr("nightschool.night.night._clear", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                start(opened, config=other)
    start(opened, config=other)
    assert statuses(opened) == ["abandoned"]


def test_a_night_that_died_after_its_publication_is_published_and_leaves_nothing(opened: Home) -> None:
    night = start(opened)
    night.records.put("select", {})
    release = publish(night)
    assert left_over(opened) == [night.identity.run_key, "unfinished.json"]
    assert resolve_night(opened, MANIFEST, CONFIG, REQUEST) == release
    assert left_over(opened) == []
    assert statuses(opened) == ["published"]


def test_a_night_that_died_after_its_refusal_is_refused_and_leaves_nothing(opened: Home) -> None:
    night = start(opened)
    night.records.put("select", {})
    opened.releases.refuse(draft(night, reason="coverage"))
    with pytest.raises(GateRefused, match="was refused before"):
        resolve_night(opened, MANIFEST, CONFIG, REQUEST)
    assert left_over(opened) == []
    assert start(opened, replace(REQUEST, force=True)).identity.run_key != night.identity.run_key


def test_a_forced_night_that_died_after_its_publication_is_not_published_twice(opened: Home) -> None:
    finish(start(opened))
    force = replace(REQUEST, force=True)
    release = publish(start(opened, force))
    assert resolve_night(opened, MANIFEST, CONFIG, force) == release
    assert statuses(opened) == ["published"] * 2
    assert start(opened, force).identity.run_key != release.run_key


def test_a_forced_night_that_was_interrupted_goes_on(opened: Home) -> None:
    finish(start(opened))
    force = replace(REQUEST, force=True)
    night = start(opened, force)
    night.records.put("select", {})
    again = start(opened, force)
    assert again.identity == night.identity
    assert again.records.get("select") == {}


@pytest.mark.parametrize("decide", [publish, lambda night: night.home.releases.refuse(draft(night))])
def test_a_night_that_died_after_its_decision_does_not_hold_up_newer_data(
    opened: Home, decide: Callable[[Night], Release]
) -> None:
    night = start(opened)
    decide(night)
    meet(opened, TUESDAY, row=2)
    assert start(opened).identity.as_of == TUESDAY
    assert not night.folder.exists()
    assert "abandoned" not in statuses(opened)


def test_a_new_night_never_finds_the_stages_of_one_whose_removal_was_cut_short(opened: Home) -> None:
    night = start(opened)
    night.records.put("prepare", {})
    (opened.paths.nights / "unfinished.json").unlink()
    assert start(opened).records.get("prepare") is None


def test_the_marker_names_the_night(opened: Home) -> None:
    night = start(opened)
    marker = json.loads((opened.paths.nights / "unfinished.json").read_text())
    assert marker == {
        "as_of": "2024-05-06T00:00:00Z",
        "run_key": night.identity.run_key,
        "release_id": night.identity.release_id,
        "champion": None,
    }
    night.close()
    assert left_over(opened) == []
