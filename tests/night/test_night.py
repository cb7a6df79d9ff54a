from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import AVAILABLE_AT, ITEM_ID, ITEMS, TITLE
from nightschool.errors import DataRefused, GateRefused
from nightschool.night.config import NightConfig
from nightschool.night.night import Night, resolve_night
from nightschool.settings import HomePaths
from nightschool.storage.as_of import newest_known
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Release, Releases
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
    make_home,
    meet,
    publish,
    start,
    statuses,
)


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


# T and the run key


def test_t_is_what_was_asked_for_else_the_newest_row_of_any_table(opened: Home) -> None:
    assert start(opened).identity.as_of == newest_known(opened.lake) == MONDAY
    item = {ITEM_ID: 9, TITLE: "z", "text": "", AVAILABLE_AT: TUESDAY}
    opened.lake.append(ITEMS, pl.DataFrame([item], schema=opened.lake.schema(ITEMS)))
    assert newest_known(opened.lake) == TUESDAY
    asked = MONDAY + timedelta(hours=3)
    assert start(opened, replace(REQUEST, as_of=asked)).identity.as_of == asked


def test_equal_inputs_give_the_same_night(opened: Home) -> None:
    night = start(opened)
    night.close()
    assert start(opened).identity == night.identity
    assert night.identity.release_id == f"2024-05-06-{night.identity.run_key[:8]}"
    in_another_zone = MONDAY.astimezone(tz=None)
    assert start(opened, replace(REQUEST, as_of=in_another_zone)).identity.run_key == night.identity.run_key


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_input_is_in_the_key(opened: Home, change: Change) -> None:
    before = start(opened).identity.run_key
    assert change(opened).identity.run_key != before


def test_what_became_known_later_and_where_the_home_lies_are_not_in_the_key(opened: Home, tmp_path: Path) -> None:
    before = start(opened).identity
    meet(opened, TUESDAY, row=2)
    opened.releases.abandon(release_id="x", run_key="x", as_of=MONDAY, reason="history is not data")
    moved = opened.paths.root.rename(tmp_path / "elsewhere")
    lake = Lake(moved / "lake", opened.lake.user_id, opened.lake.item_id)
    elsewhere = Home(HomePaths(moved), opened.binding, lake, Releases(lake))
    assert start(elsewhere, replace(REQUEST, as_of=MONDAY)).identity == before


def test_a_night_without_interactions_is_refused(opened: Home, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no interaction was known then"):
        resolve_night(opened, MANIFEST, CONFIG, replace(REQUEST, as_of=MONDAY - timedelta(days=1)))
    lake = Lake(tmp_path / "empty", opened.lake.user_id, opened.lake.item_id)
    with pytest.raises(DataRefused, match="there are no interactions; ingest some"):
        resolve_night(replace(opened, lake=lake), MANIFEST, CONFIG, REQUEST)


# What a night starts from


def test_the_first_night_has_no_champion_and_tunes(opened: Home) -> None:
    night = start(opened)
    assert (night.base_version, night.champion, night.champion_recipe, night.tune) == (None, None, None, True)


def test_a_later_night_starts_from_the_current_release(opened: Home) -> None:
    first = finish(start(opened))
    meet(opened, TUESDAY, row=2)
    night = start(opened)
    assert (night.base_version, night.champion) == (0, first)
    assert night.champion_recipe is not None
    assert night.champion_recipe.name == "popularity"


@pytest.mark.parametrize(("days", "due"), [(1, False), (6, False), (7, True), (8, True)])
def test_recipes_are_chosen_weekly(opened: Home, days: int, due: bool) -> None:
    finish(start(opened))
    as_of = MONDAY + timedelta(days=days)
    meet(opened, as_of, row=2)
    assert start(opened, replace(REQUEST, as_of=as_of)).tune is due
    assert start(opened, replace(REQUEST, as_of=as_of), NightConfig(tune="now")).tune


def test_a_week_counts_from_the_last_tuning_that_was_published(opened: Home) -> None:
    finish(start(opened))
    sunday = MONDAY + timedelta(days=6)
    meet(opened, sunday, row=2)
    night = start(opened, replace(REQUEST, as_of=sunday))
    assert not night.tune
    finish(night)
    refused = start(opened, replace(REQUEST, as_of=MONDAY + timedelta(days=7)))
    assert refused.tune
    opened.releases.refuse(draft(refused))
    assert start(opened, replace(REQUEST, as_of=MONDAY + timedelta(days=8))).tune


# A night that was decided before


def test_a_published_night_is_not_run_again(opened: Home) -> None:
    release = finish(start(opened))
    assert resolve_night(opened, MANIFEST, CONFIG, REQUEST) == release
    assert statuses(opened) == ["published"]


def test_an_older_night_that_was_published_stays_published(opened: Home) -> None:
    monday = finish(start(opened))
    meet(opened, TUESDAY, row=2)
    tuesday = finish(start(opened))
    assert resolve_night(opened, MANIFEST, CONFIG, replace(REQUEST, as_of=MONDAY)) == monday
    assert opened.releases.current() == tuesday


def test_a_refused_night_is_refused_again_without_opening(opened: Home) -> None:
    night = start(opened)
    opened.releases.refuse(draft(night, reason="coverage 0.1"))
    night.close()
    with pytest.raises(GateRefused, match=f"night {night.identity.release_id} was refused before: coverage 0.1"):
        resolve_night(opened, MANIFEST, CONFIG, REQUEST)
    assert statuses(opened) == ["refused"]


@pytest.mark.parametrize("decide", [publish, lambda night: night.home.releases.refuse(draft(night))])
def test_force_runs_a_decided_night_under_a_key_of_its_own_each_time(
    opened: Home, decide: Callable[[Night], Release]
) -> None:
    keys = []
    for _ in range(3):
        night = start(opened, replace(REQUEST, force=True))
        keys.append(night.identity.run_key)
        decide(night)
        night.close()
    assert len(set(keys)) == 3
    assert len({row.release_id for row in opened.releases.history()}) == 3


def test_a_hold_refuses_every_night_until_it_is_lifted(opened: Home) -> None:
    release = finish(start(opened))
    opened.releases.hold("looking into it")
    for force in (False, True):
        with pytest.raises(
            GateRefused, match="on hold; saw 'looking into it'; run `nightschool releases release-hold`"
        ):
            resolve_night(opened, MANIFEST, CONFIG, replace(REQUEST, force=force))
    opened.releases.unhold()
    assert resolve_night(opened, MANIFEST, CONFIG, REQUEST) == release
