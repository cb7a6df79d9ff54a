from datetime import UTC, datetime, timedelta

import pytest

from nightschool.night.config import NightConfig
from nightschool.night.lineage import (
    Searched,
    describe_search,
    find_searched,
    is_late,
    releases_before,
    tuning_is_due,
)
from nightschool.night.records import SelectRecord, TrialEntry
from nightschool.recipe import Component
from nightschool.storage.release import Release, Status
from tests.night.records import EASE, example

START = datetime(2024, 5, 1, 2, tzinfo=UTC)
CONFIG = NightConfig(search_seconds=20)
TRIALS = [{"model": "ease", "params": {}}, {"model": "ease", "params": {"l2": 7.5}}]


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def row(day: float, status: Status = "published", name: str = "", **fields: object) -> Release:
    known = {"release_id": name or f"day {day}", "as_of": at(day), "created_at": START, "commit_version": 0}
    return Release.model_validate({**known, "status": status, **fields})


def names(history: list[Release], day: float) -> list[str]:
    return [release.release_id for release in releases_before(history, at(day))]


# Which night is late


@pytest.mark.parametrize(
    ("day", "force", "late"),
    [(1, False, True), (2, False, False), (2, True, True), (3, True, False), (3, False, False)],
)
def test_a_night_is_late_when_a_later_one_is_current_or_it_repeats_that_one(day: int, force: bool, late: bool) -> None:
    assert is_late(row(2), at(day), force) is late


def test_the_first_night_is_never_late() -> None:
    assert not is_late(None, at(1), force=True)


# What it starts from


def test_a_late_night_starts_from_what_was_current_before_its_t() -> None:
    history = [row(1), row(2, "refused"), row(3), row(4)]
    assert names(history, 2) == ["day 1"]
    assert names(history, 3.5) == ["day 1", "day 3"]
    assert names(history, 1) == []


def test_a_rollback_that_came_after_its_t_does_not_count() -> None:
    assert names([row(1), row(3), row(1), row(2)], 2.5) == ["day 1"]


def test_a_rollback_that_came_before_its_t_counts() -> None:
    assert names([row(1), row(2), row(1), row(4)], 3)[-1] == "day 1"


def test_a_backfilled_release_of_a_later_t_comes_before_the_published_one() -> None:
    history = [row(1), row(5), row(3, "backfilled"), row(2, "backfilled")]
    assert names(history, 4) == ["day 1", "day 2", "day 3"]
    assert names(history, 3) == ["day 1", "day 2"]
    assert names(history, 2) == ["day 1"]
    assert names([row(2), row(5), row(1, "backfilled")], 4) == ["day 1", "day 2"]


def test_backfilled_releases_before_every_published_one_are_a_lineage_too() -> None:
    history = [row(5), row(2, "backfilled"), row(1, "backfilled")]
    assert names(history, 3) == ["day 1", "day 2"]


# When its recipe is due


@pytest.mark.parametrize(("day", "due"), [(7.9, False), (8, True), (9, True)])
def test_a_recipe_is_due_a_week_after_the_last_night_that_chose_one(day: float, due: bool) -> None:
    found = [row(0, gates={"tuned": True}), row(1, gates={"tuned": True}), row(6, gates={"tuned": False})]
    assert tuning_is_due(found, at(day)) is due


def test_the_first_recipe_is_due() -> None:
    assert tuning_is_due([], at(0))


# What the same night tried before


def searched(config: NightConfig = CONFIG, champion: str | None = "day 1", **gates: object) -> Release:
    stored = {"tuned": True, "champion": champion, "trials": TRIALS, "reranked": False, **gates}
    return row(2, gates=stored, config=config.model_dump(mode="json"))


FOUND = Searched((Component(model="ease"), Component(model="ease", params={"l2": 7.5})), reranked=False)


def test_the_settings_of_the_same_night_are_found() -> None:
    assert find_searched([row(1), searched()], at(2), row(1), CONFIG) == FOUND
    first = searched(champion=None)
    assert find_searched([first], at(2), None, CONFIG) == FOUND
    assert find_searched([searched(reranked=True)], at(2), row(1), CONFIG) == Searched(FOUND.components, reranked=True)


@pytest.mark.parametrize("fields", [{"search_seconds": 0.5}, {"rerank_seconds": 1}, {"k": 20}, {"keep": 3}], ids=str)
def test_seconds_and_what_is_published_change_no_search(fields: dict[str, float]) -> None:
    assert find_searched([searched()], at(2), row(1), NightConfig(**{"search_seconds": 20, **fields})) == FOUND


@pytest.mark.parametrize(
    "fields", [{"search_trials": 9}, {"models": ("ease",)}, {"seed": 1}, {"alpha_steps": 2}], ids=str
)
def test_another_search_is_not_repeated(fields: dict[str, object]) -> None:
    assert find_searched([searched()], at(2), row(1), NightConfig(**{"search_seconds": 20, **fields})) is None


def test_another_night_or_champion_and_a_night_that_stored_nothing_are_not_repeated() -> None:
    assert find_searched([searched()], at(3), row(1), CONFIG) is None
    assert find_searched([searched()], at(2), None, CONFIG) is None
    kept = row(2, gates={"tuned": False, "champion": "day 1"}, config=CONFIG.model_dump(mode="json"))
    assert find_searched([kept], at(2), row(1), CONFIG) is None


def test_what_a_release_stores_is_what_a_repeat_finds() -> None:
    trials = tuple(TrialEntry(**trial, value=0.1, seconds=2.0) for trial in TRIALS)
    reranked = EASE.model_copy(update={"reranker": {"trees": 3}})
    selected = example(SelectRecord, trials=trials, recipe=reranked)
    assert describe_search(selected) == {"trials": TRIALS, "reranked": True}
    assert describe_search(selected.model_copy(update={"tuned": False})) == describe_search(None) == {}
