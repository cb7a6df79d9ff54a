from datetime import UTC, datetime, timedelta

import pytest

from nightschool.night.config import NightConfig
from nightschool.night.lineage import (
    YEARLY_ERROR,
    anchor_of,
    is_late,
    promotion_error,
    releases_before,
    tuning_is_due,
)
from nightschool.storage.release import Release, Status

START = datetime(2024, 5, 1, 2, tzinfo=UTC)
CONFIG = NightConfig()


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


# What a promotion is held against


@pytest.mark.parametrize(
    ("day", "anchor"), [(40, "day 9"), (37, "day 9"), (36.9, "day 1"), (29, "day 1"), (3, "day 1")]
)
def test_the_anchor_is_what_was_current_28_days_before_or_the_first_release(day: float, anchor: str) -> None:
    found = anchor_of([row(1), row(9), row(20)], at(day))
    assert found is not None
    assert found.release_id == anchor


def test_a_release_that_was_gone_back_to_was_not_current_then() -> None:
    found = anchor_of([row(1), row(9), row(38), row(1)], at(40))
    assert found is not None
    assert found.release_id == "day 9"


def test_without_releases_there_is_no_anchor() -> None:
    assert anchor_of([], at(1)) is None


def compared(day: float) -> Release:
    return row(day, gates={"asked": [{"name": "superior", "passed": False, "seen": "", "demanded": ""}]})


def test_a_night_may_err_by_the_share_of_the_days_since_a_challenger_was_compared() -> None:
    assert promotion_error([row(0), compared(7), row(8)], at(14)) == pytest.approx(YEARLY_ERROR * 7 / 365)
    assert promotion_error([row(0), row(8)], at(14)) == pytest.approx(YEARLY_ERROR * 14 / 365)
    assert promotion_error([row(0)], at(300)) == 0.025
    assert 0 < promotion_error([row(0)], at(0)) < 1e-5
    assert 0 < promotion_error([], at(0)) < 1e-5


@pytest.mark.parametrize("every", [1, 7, 30])
def test_the_errors_of_a_year_add_up_to_the_yearly_one(every: int) -> None:
    history, errors = [row(0)], []
    for day in range(every, 366, every):
        errors.append(promotion_error(history, at(day)))
        history.append(compared(day))
    assert sum(errors) <= YEARLY_ERROR + 1e-12
    assert sum(errors) > 0.98 * YEARLY_ERROR
