import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import AUDIENCE_RECOMMENDATIONS, RELEASE_ID
from nightschool.settings import HomePaths
from nightschool.storage.lake import Lake
from nightschool.storage.pruning import prune
from nightschool.storage.releases import Draft, Releases

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
DAYS = [f"2024-05-0{day}-{str(day) * 8}" for day in range(1, 6)]


@pytest.fixture
def paths(tmp_path: Path) -> HomePaths:
    return HomePaths(tmp_path)


@pytest.fixture
def releases(paths: HomePaths) -> Releases:
    return Releases(Lake(paths.lake, pl.Int64(), pl.Int64()))


def write(releases: Releases, paths: HomePaths, release_id: str) -> None:
    row = {RELEASE_ID: release_id, "audience": "everyone", "item_id": 1, "rank": 1, "score": 1.0}
    frame = pl.DataFrame([row], schema=releases.lake.schema(AUDIENCE_RECOMMENDATIONS))
    releases.lake.replace_release(AUDIENCE_RECOMMENDATIONS, release_id, frame)
    (paths.serving / release_id).mkdir(parents=True)
    (paths.nights / f"{release_id[-8:]}0123").mkdir(parents=True)
    report(paths, release_id, age=0)


def report(paths: HomePaths, name: str, age: int) -> None:
    page = paths.reports / f"{name}.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text("a report")
    os.utime(page, (1_700_000_000 - age,) * 2)


def draft(release_id: str) -> Draft:
    return Draft(release_id=release_id, as_of=NOON, run_key=release_id, row_counts={AUDIENCE_RECOMMENDATIONS.name: 1})


def publish(releases: Releases, paths: HomePaths, *release_ids: str) -> None:
    for release_id in release_ids:
        write(releases, paths, release_id)
        releases.publish(draft(release_id), releases.version())


def left(releases: Releases, paths: HomePaths) -> list[str]:
    stored = sorted(releases.lake.scan(AUDIENCE_RECOMMENDATIONS).collect()[RELEASE_ID])
    assert stored == sorted(path.name for path in paths.serving.iterdir())
    assert {name[-8:] for name in stored} == {path.name[:8] for path in paths.nights.iterdir()}
    return stored


def test_reports_go_with_their_releases_and_of_nights_without_one_the_newest_stay(
    releases: Releases, paths: HomePaths
) -> None:
    publish(releases, paths, *DAYS[:3])
    for age in range(3):
        report(paths, f"night-{age}", age)
    prune(releases, paths, keep=2)
    assert sorted(page.stem for page in paths.reports.iterdir()) == [*DAYS[1:3], "night-0", "night-1"]


def test_an_empty_home_has_nothing_to_remove(releases: Releases, paths: HomePaths) -> None:
    assert prune(releases, paths) == []


def test_the_newest_published_releases_stay(releases: Releases, paths: HomePaths) -> None:
    publish(releases, paths, *DAYS)
    assert prune(releases, paths) == []
    assert prune(releases, paths, keep=2) == DAYS[:3]
    assert left(releases, paths) == DAYS[3:]
    assert prune(releases, paths, keep=2) == []
    assert len(releases.listing()) == 5


def test_the_current_release_stays_however_old_it_is(releases: Releases, paths: HomePaths) -> None:
    publish(releases, paths, *DAYS)
    releases.rollback(DAYS[0], "the rest is odd")
    prune(releases, paths, keep=1)
    assert left(releases, paths) == DAYS[:1]


def test_tables_of_refused_and_abandoned_nights_go(releases: Releases, paths: HomePaths) -> None:
    publish(releases, paths, DAYS[0])
    for release_id in DAYS[1:3]:
        write(releases, paths, release_id)
    releases.refuse(draft(DAYS[1]))
    releases.abandon(release_id=DAYS[2], run_key=DAYS[2], as_of=NOON, reason="new data")
    assert prune(releases, paths) == DAYS[1:3]
    assert left(releases, paths) == DAYS[:1]


def test_an_unfinished_night_keeps_its_tables_until_a_later_one_is_current(
    releases: Releases, paths: HomePaths
) -> None:
    publish(releases, paths, DAYS[0])
    write(releases, paths, DAYS[1])
    assert prune(releases, paths) == []
    publish(releases, paths, DAYS[2])
    assert prune(releases, paths) == [DAYS[1]]
    assert left(releases, paths) == [DAYS[0], DAYS[2]]


def test_an_interrupted_prune_is_finished_by_the_next(
    releases: Releases, paths: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(releases, paths, *DAYS[:2])

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "drop_release", stop)
        with pytest.raises(KeyboardInterrupt):
            prune(releases, paths, keep=1)
    assert prune(releases, paths, keep=1) == DAYS[:1]
    assert left(releases, paths) == DAYS[1:2]


def test_a_release_whose_tables_are_whole_keeps_its_serving_files(
    releases: Releases, paths: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(releases, paths, *DAYS[:2])

    def stop(*_: object) -> None:
        assert releases.whole(DAYS[0])
        assert (paths.serving / DAYS[0]).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(Lake, "drop_release", stop)
    with pytest.raises(KeyboardInterrupt):
        prune(releases, paths, keep=1)


def test_a_stray_file_among_the_releases_is_left_alone(releases: Releases, paths: HomePaths) -> None:
    publish(releases, paths, *DAYS[:2])
    stray = paths.serving / "2020-01-01-notes.txt"
    stray.touch()
    assert prune(releases, paths, keep=1) == DAYS[:1]
    assert stray.exists()


def backfill(releases: Releases, paths: HomePaths, *release_ids: str) -> None:
    for release_id in release_ids:
        write(releases, paths, release_id)
        releases.backfill(draft(release_id))


def test_as_many_backfilled_releases_stay_besides_the_published_ones(releases: Releases, paths: HomePaths) -> None:
    publish(releases, paths, *DAYS[3:])
    backfill(releases, paths, *DAYS[:3])
    assert prune(releases, paths, keep=3) == []
    assert prune(releases, paths, keep=2) == DAYS[:1]
    assert prune(releases, paths, keep=1) == [DAYS[1], DAYS[3]]
    assert left(releases, paths) == [DAYS[2], DAYS[4]]


def test_a_backfilled_release_that_became_current_counts_as_published(releases: Releases, paths: HomePaths) -> None:
    publish(releases, paths, *DAYS[3:])
    backfill(releases, paths, *DAYS[:2])
    releases.rollback(DAYS[0], "the rest is odd")
    assert prune(releases, paths, keep=1) == DAYS[3:]
    assert left(releases, paths) == DAYS[:2]
