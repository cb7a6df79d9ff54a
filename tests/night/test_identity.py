from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nightschool.errors import DataRefused
from nightschool.night.config import NightConfig
from nightschool.night.identity import again, identify, is_repeat_of, keyed_at, undecided
from nightschool.storage.home import Home
from nightschool.storage.releases import Draft
from tests.night.nights import CONFIG, MANIFEST, MONDAY, REQUEST, TUESDAY, make_home, meet


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def identity_of(home: Home, **asked):
    return identify(home.lake, MANIFEST, CONFIG, replace(REQUEST, **asked), asked.get("as_of"))


def decide(home: Home, run_key: str) -> None:
    home.releases.publish(Draft(release_id=run_key, run_key=run_key, as_of=MONDAY), home.releases.version())


def test_an_identity_counts_the_rows_that_were_known_at_t(opened: Home) -> None:
    meet(opened, TUESDAY, row=2)
    monday, tuesday = (identity_of(opened, as_of=as_of) for as_of in (MONDAY, TUESDAY))
    assert [table.rows for table in monday.used] == [1, 2, 2]
    assert [table.rows for table in tuesday.used] == [2, 2, 2]
    assert monday.data != tuesday.data
    assert identity_of(opened) == tuesday


def test_nothing_is_known_before_the_first_row(opened: Home) -> None:
    with pytest.raises(DataRefused, match="no interaction was known then"):
        identity_of(opened, as_of=MONDAY - timedelta(days=1))


def test_at_another_t_the_same_night_has_another_key(opened: Home) -> None:
    monday = identity_of(opened)
    tuesday = keyed_at(monday, TUESDAY, MANIFEST, CONFIG)
    assert tuesday == identity_of(opened, as_of=TUESDAY)
    assert tuesday.run_key != monday.run_key
    assert keyed_at(tuesday, MONDAY, MANIFEST, CONFIG) == monday


def test_a_forced_night_gets_the_first_key_that_is_not_decided(opened: Home) -> None:
    first = identity_of(opened)
    second, third = again(first), again(again(first))
    assert undecided(first, opened.releases, None) == first
    decide(opened, first.run_key)
    assert undecided(first, opened.releases, None) == second
    decide(opened, second.run_key)
    assert undecided(first, opened.releases, None) == third
    assert undecided(first, opened.releases, cut_short=second.run_key) == second


def test_a_repeat_is_found_by_its_key_among_those_that_are_decided(opened: Home) -> None:
    first = identity_of(opened)
    second = again(first)
    assert is_repeat_of(first, first.run_key, opened.releases)
    assert not is_repeat_of(first, second.run_key, opened.releases)
    decide(opened, first.run_key)
    assert is_repeat_of(first, second.run_key, opened.releases)
    assert not is_repeat_of(first, "another", opened.releases)


def test_on_spark_the_files_of_interactions_are_what_counts(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    config = NightConfig(engine="spark")
    first = identify(home.lake, MANIFEST, config, REQUEST, None)
    assert identify(home.lake, MANIFEST, config, REQUEST, None) == first
    assert identify(home.lake, MANIFEST, CONFIG, REQUEST, None).data != first.data
    meet(home, MONDAY, row=2)
    assert identify(home.lake, MANIFEST, config, REQUEST, None).data != first.data
