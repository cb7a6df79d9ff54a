from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import QUARANTINE, SOURCES
from nightschool.errors import NotFound
from nightschool.experiments.plan import Arm, Plan
from nightschool.experiments.store import Experiments
from nightschool.settings import HomePaths, Settings
from nightschool.storage.database import open_database
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Draft, Releases
from serving.operations import (
    curves,
    experiment_results,
    last_read,
    open_lake,
    quarantined,
    recipe_name,
    release_state,
    roll_back,
)
from tests.serving.nights import FIRST, ODD, READ, SECOND, THIRD, backfill, make_nights


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "home")


def test_a_home_without_data_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no dataset yet"):
        open_lake(HomePaths(tmp_path))


def test_a_home_without_a_release_stands_at_nothing(lake: Lake, tmp_path: Path) -> None:
    empty = Lake(tmp_path / "empty", lake.user_id, lake.item_id)
    standing = release_state(empty)
    assert (standing.current, standing.hold, standing.newest, standing.nights) == (None, None, [], [])
    assert curves(empty, []) == []
    assert quarantined(empty) == []
    assert last_read(empty) is None


def test_releases_stand_newest_first_and_nights_in_order(lake: Lake) -> None:
    standing = release_state(open_lake(HomePaths(lake.root.parent)))
    assert standing.current is not None
    assert standing.current.release_id == THIRD
    assert [row.release_id for row in standing.newest] == [THIRD, SECOND, FIRST]
    assert [row.release_id for row in standing.nights] == [FIRST, SECOND, THIRD]
    assert recipe_name(standing.current) == "ease"


def test_what_was_refused_is_listed_and_is_no_night(lake: Lake) -> None:
    Releases(lake).refuse(Draft(release_id="x", as_of=READ, run_key="x", reason="a gate said no"))
    standing = release_state(lake)
    assert [row.release_id for row in standing.newest] == ["x", THIRD, SECOND, FIRST]
    assert "x" not in [row.release_id for row in standing.nights]
    assert recipe_name(standing.newest[0]) == ""


def test_going_back_makes_an_older_release_current(lake: Lake) -> None:
    assert roll_back(lake, FIRST, "worse since", hold=False).release_id == FIRST
    standing = release_state(lake)
    assert standing.current is not None
    assert (standing.current.release_id, standing.current.reason, standing.hold) == (FIRST, "worse since", None)
    assert [row.release_id for row in standing.newest] == [FIRST, THIRD, SECOND]


def test_going_back_can_hold_the_nights(lake: Lake) -> None:
    roll_back(lake, SECOND, "wait", hold=True)
    hold = release_state(lake).hold
    assert hold is not None
    assert hold.reason == "wait"


def test_nothing_is_held_for_a_release_that_is_not_there(lake: Lake) -> None:
    with pytest.raises(NotFound):
        roll_back(lake, "nothing", "why", hold=True)
    assert release_state(lake).hold is None


def test_curves_hold_the_test_over_all_users_by_role(lake: Lake) -> None:
    found = curves(lake, release_state(lake).nights)
    assert [curve.metric for curve in found] == ["ndcg@10", "recall@10", "coverage@10"]
    ndcg, coverage = found[0].lines, found[2].lines
    assert list(ndcg) == ["challenger", "champion", "popularity"]
    assert [figure.release_id for figure in ndcg["challenger"]] == [FIRST, SECOND, THIRD]
    assert [figure.release_id for figure in ndcg["champion"]] == [SECOND, THIRD]
    first = ndcg["challenger"][0]
    assert (first.value, first.low, first.high) == pytest.approx((0.2, 0.19, 0.21))
    assert first.as_of == datetime(2026, 11, 25, tzinfo=UTC)
    assert {(figure.low, figure.high) for figure in coverage["challenger"]} == {(None, None)}


def test_what_was_mended_or_set_aside_is_not_counted(lake: Lake) -> None:
    before, read = quarantined(lake), last_read(lake)
    row = lake.scan(QUARANTINE).head(1).with_columns(pl.lit("superseded").alias("reason"))
    lake.append(QUARANTINE, row.collect())
    source = (
        lake.scan(SOURCES)
        .head(1)
        .with_columns(pl.lit("set_aside").alias("state"), pl.col("read_at") + pl.duration(days=900))
    )
    lake.append(SOURCES, source.collect())
    assert (quarantined(lake), last_read(lake)) == (before, read)


def test_quarantine_is_counted_by_reason(lake: Lake) -> None:
    assert quarantined(lake) == [
        ("interactions", "bad_user", 2, READ, ODD),
        ("interactions", "missing_item", 1, READ, ""),
    ]


def test_the_data_are_as_old_as_their_last_reading(lake: Lake) -> None:
    assert last_read(lake) == READ


def test_what_was_backfilled_is_a_night_that_can_be_gone_back_to(lake: Lake) -> None:
    backfilled = backfill(lake, "2026-11-25-dddddddd")
    standing = release_state(lake)
    assert standing.current is not None
    assert standing.current.release_id == THIRD
    assert [row.release_id for row in standing.nights] == [FIRST, backfilled, SECOND, THIRD]
    assert roll_back(lake, backfilled, "worse since", hold=False).status == "published"


def test_figures_do_not_compare_across_a_change_of_scoring(lake: Lake) -> None:
    nights = release_state(lake).nights
    bases = [None, "one", "other"]
    stored = [n.model_copy(update={"gates": {"basis": basis}}) for n, basis in zip(nights, bases, strict=True)]
    (ndcg, *_) = curves(lake, stored)
    assert [figure.comparable for figure in ndcg.lines["challenger"]] == [True, True, False]
    assert all(figure.comparable for figure in curves(lake, nights)[0].lines["challenger"])


def test_experiments_that_run_are_shown_however_many_came_after_them(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert experiment_results(settings) == []
    experiments = Experiments(open_database(settings.events_address))
    experiments.hold_out(0.05)
    arms = (Arm(name="a", share=0.5), Arm(name="b", share=0.5, alpha=0.3))
    for number in range(7):
        experiments.start(Plan(name=f"try {number}", arms=arms))
        experiments.stop(f"try {number}")
    found = experiment_results(settings)
    assert [each.experiment.name for each in found] == [*(f"try {number}" for number in range(6, 1, -1)), "holdout"]
    assert [arm.name for arm in found[-1].shown.arms] == ["holdout", "others"]
