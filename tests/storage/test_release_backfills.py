"""Releases that are stored for an earlier T and never become current by themselves."""

from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import AUDIENCE_RECOMMENDATIONS
from nightschool.errors import GateRefused, NightschoolError, NotFound
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from tests.storage.test_releases import A, B, C, draft, published, write_tables


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    """A and C are published, C is current."""
    releases = Releases(Lake(tmp_path / "lake", pl.Int64(), pl.Int64()))
    published(releases, A, C)
    return releases


def backfill(releases: Releases, release_id: str) -> None:
    write_tables(releases, release_id)
    releases.backfill(draft(release_id))


def test_a_backfill_is_stored_whole_and_the_current_release_stays(releases: Releases) -> None:
    backfill(releases, B)
    row = releases.get(B)
    assert (row.status, row.commit_version) == ("backfilled", 2)
    assert row.draft() == draft(B)
    assert releases.current() == releases.get(C)
    assert [release.release_id for release in releases.published()] == [A, C]
    assert [release.release_id for release in releases.stored()] == [A, C, B]
    assert releases.whole(B) == releases.find_run(f"key of {B}") == row
    listed = [(entry["id"], entry["status"], entry["current"]) for entry in releases.listing()]
    assert listed == [(A, "published", False), (C, "published", True), (B, "backfilled", False)]


def test_a_backfill_is_stored_once_for_its_run_key(releases: Releases) -> None:
    first = releases.backfill(draft(B))
    assert releases.backfill(draft(B)) == first
    assert len(releases.history()) == 3
    with pytest.raises(NightschoolError, match=f"release {B} was backfilled by run"):
        releases.backfill(draft(B, run_key="another"))


def test_what_was_published_is_not_backfilled(releases: Releases) -> None:
    assert releases.backfill(draft(A)) == releases.get(A)
    assert [row.status for row in releases.history()] == ["published"] * 2


def test_a_pointer_that_moved_meanwhile_does_not_matter(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    append, rival = Lake.append_after, Releases(releases.lake)

    def interrupted(lake: Lake, *arguments: object) -> int:
        monkeypatch.setattr(Lake, "append_after", append)
        rival.rollback(A, "C is odd")
        return append(lake, *arguments)

    monkeypatch.setattr(Lake, "append_after", interrupted)
    assert releases.backfill(draft(B)).commit_version == 3
    assert releases.current() == releases.get(A)


def test_a_backfill_does_not_stop_the_night_that_runs(releases: Releases) -> None:
    base = releases.version()
    backfill(releases, B)
    night = "2024-05-04-dddddddd"
    assert releases.publish(draft(night), base).commit_version == 3


def test_a_hold_refuses_backfills_too(releases: Releases) -> None:
    releases.hold("until fixed")
    with pytest.raises(GateRefused, match="on hold; saw 'until fixed'"):
        releases.backfill(draft(B))


def test_rollback_makes_a_backfilled_release_current(releases: Releases) -> None:
    backfill(releases, B)
    row = releases.rollback(B, "C is odd")
    assert (row.status, row.commit_version) == ("published", 3)
    assert releases.current() == row
    assert row.draft() == draft(B, reason="C is odd")
    assert releases.rollback(B, "again") == row
    assert releases.backfill(draft(B)) == row
    assert [release.release_id for release in releases.published()] == [A, C, B]


def test_a_backfilled_release_whose_tables_were_pruned_does_not_come_back(releases: Releases) -> None:
    backfill(releases, B)
    releases.lake.drop_release(AUDIENCE_RECOMMENDATIONS, B)
    with pytest.raises(NotFound, match="was pruned or damaged"):
        releases.rollback(B, "")
    assert releases.current() == releases.get(C)


def test_the_listing_says_where_figures_do_not_compare(releases: Releases) -> None:
    releases.publish(draft(B, gates={"comparable": False}), releases.version())
    assert [entry["comparable"] for entry in releases.listing()] == [True, True, False]
