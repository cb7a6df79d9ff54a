"""Opening nights whose T lies before that of the current release, and repeats of the current one."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nightschool.night.config import NightConfig
from nightschool.night.night import resolve_night
from nightschool.storage.home import Home
from nightschool.storage.releases import Release
from tests.night.nights import CONFIG, MANIFEST, MONDAY, REQUEST, draft, finish, make_home, meet, start, statuses


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    """A home in which something happens every day, and whose nights of Monday and Thursday are published."""
    home = make_home(tmp_path / "home")
    for day in range(1, 20):
        meet(home, MONDAY + timedelta(days=day), row=day + 1)
    for day in (0, 3):
        night = at(home, day)
        finish(night, gates={"tuned": night.tune, "champion": champion_id(night)})
    return home


def at(home: Home, day: float, **asked):
    config = asked.pop("config", CONFIG)
    return start(home, replace(REQUEST, as_of=MONDAY + timedelta(days=day), **asked), config)


def champion_id(night) -> str | None:
    return night.champion.release_id if night.champion else None


def ids(home: Home) -> list[str]:
    return [row.release_id for row in home.releases.history()]


def backfill(home: Home, day: float) -> Release:
    night = at(home, day)
    return finish(night, gates={"tuned": night.tune, "champion": champion_id(night)})


def test_a_backfill_starts_from_the_release_of_before_and_leaves_the_pointer(opened: Home) -> None:
    monday, thursday = ids(opened)
    night = at(opened, 1)
    assert (champion_id(night), night.tune, night.late, night.moves_pointer) == (monday, False, True, False)
    release = finish(night)
    assert release.release_id == night.identity.release_id
    assert statuses(opened) == ["published", "published", "backfilled"]
    current = opened.releases.current()
    assert current is not None
    assert current.release_id == thursday
    assert resolve_night(opened, MANIFEST, CONFIG, replace(REQUEST, as_of=night.identity.as_of)) == release


def test_the_next_backfill_starts_from_the_one_before_and_the_next_night_does_not(opened: Home) -> None:
    _, thursday = ids(opened)
    tuesday = backfill(opened, 1)
    assert champion_id(at(opened, 2)) == tuesday.release_id
    assert champion_id(at(opened, 4)) == thursday


def test_a_backfill_can_become_current(opened: Home) -> None:
    night = at(opened, 1, make_current=True)
    assert (night.late, night.moves_pointer) == (True, True)
    release = finish(night)
    assert release.status == "published"
    assert opened.releases.current() == release


def test_a_recipe_is_due_as_it_was_then(opened: Home) -> None:
    finish(at(opened, 10), gates={"tuned": True})
    assert not at(opened, 6).tune
    assert at(opened, 8).tune
    backfill(opened, 8)
    assert not at(opened, 9).tune


def test_a_backfill_before_every_release_searches_a_recipe(opened: Home) -> None:
    meet(opened, MONDAY - timedelta(days=5), row=99)
    night = at(opened, -1)
    assert (night.champion, night.tune) == (None, True)
    assert night.warnings == []


def test_a_forced_repeat_starts_where_the_night_did(opened: Home) -> None:
    monday, _ = ids(opened)
    repeat = at(opened, 3, force=True)
    assert (champion_id(repeat), repeat.tune, repeat.moves_pointer) == (monday, False, True)
    first = at(opened, 0, force=True, config=NightConfig(minutes=2))
    assert (first.champion, first.tune, first.moves_pointer, first.warnings) == (None, True, False, [])


def test_an_interrupted_backfill_goes_on(opened: Home) -> None:
    night = at(opened, 1)
    night.records.put("prepare", {})
    again = at(opened, 1)
    assert again.records.get("prepare") == {}
    assert again.champion == night.champion
    assert statuses(opened) == ["published", "published"]


def test_a_night_whose_basis_changed_chooses_its_recipe_and_says_why(opened: Home) -> None:
    _, thursday = ids(opened)
    finish(at(opened, 4), gates={"tuned": False, "basis": "other", "basis_parts": {"score": "events"}})
    current = opened.releases.current()
    assert current is not None
    night = at(opened, 5)
    assert night.tune
    assert night.basis_changes[0] == "score"
    assert current.release_id in night.warnings[0]
    assert "not comparable" in night.warnings[0]
    assert thursday not in night.warnings[0]


def test_a_forced_repeat_of_a_refused_night_starts_where_it_did(opened: Home) -> None:
    night = at(opened, 10)
    gates = {"tuned": True, "champion": champion_id(night)}
    opened.releases.refuse(draft(night, gates=gates))
    night.close()
    repeat = at(opened, 10, force=True)
    assert (repeat.late, repeat.champion) == (False, night.champion)
