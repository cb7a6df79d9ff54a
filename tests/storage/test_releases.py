import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import AUDIENCE_RECOMMENDATIONS, COMMIT_VERSION, RELEASE_ID, RELEASES
from nightschool.errors import Busy, GateRefused, NightschoolError, NotFound
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Draft, Releases

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
A, B, C = "2024-05-01-aaaaaaaa", "2024-05-02-bbbbbbbb", "2024-05-03-cccccccc"


def backwards() -> Iterator[datetime]:
    """A clock that runs backwards, so that nothing may depend on it."""
    for hour in range(1000):
        yield NOON - timedelta(hours=hour)


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    clock = backwards()
    return Releases(Lake(tmp_path / "lake", pl.Int64(), pl.Int64()), clock=lambda: next(clock))


def draft(release_id: str, **fields: object) -> Draft:
    day = timezone(timedelta(hours=5))
    return Draft.model_validate(
        {
            "release_id": release_id,
            "as_of": datetime.fromisoformat(release_id[:10]).replace(tzinfo=day),
            "run_key": f"key of {release_id}",
            "row_counts": {AUDIENCE_RECOMMENDATIONS.name: 1},
            "content_hashes": {AUDIENCE_RECOMMENDATIONS.name: release_id},
            **fields,
        }
    )


def write_tables(releases: Releases, release_id: str) -> None:
    row = {RELEASE_ID: release_id, "audience": "everyone", "item_id": 1, "rank": 1, "score": 1.0}
    frame = pl.DataFrame([row], schema=releases.lake.schema(AUDIENCE_RECOMMENDATIONS))
    releases.lake.replace_release(AUDIENCE_RECOMMENDATIONS, release_id, frame)


def published(releases: Releases, *release_ids: str) -> None:
    for release_id in release_ids:
        write_tables(releases, release_id)
        releases.publish(draft(release_id), releases.version())


def test_a_new_home_has_no_release(releases: Releases) -> None:
    assert releases.current() is None
    assert releases.version() is None
    assert releases.history() == []
    assert releases.listing() == []
    assert releases.held() is None
    assert releases.find_run("key") is None
    with pytest.raises(NotFound, match="no such release; saw 'x'"):
        releases.get("x")


def test_a_published_release_is_current_and_comes_back_whole(releases: Releases) -> None:
    given = draft(A, recipe={"alpha": 0.5}, gates={"tuned": True}, config={"k": 50}, reason="better")
    row = releases.publish(given, releases.version())
    assert (row.status, row.commit_version, row.created_at) == ("published", 0, NOON)
    assert releases.current() == releases.get(A) == releases.find_run(given.run_key) == row
    assert row.draft() == given
    assert releases.current().as_of.utcoffset() == timedelta(0)


def test_each_row_records_the_version_of_its_own_commit(releases: Releases) -> None:
    published(releases, A)
    releases.hold("looking into it")
    releases.unhold()
    releases.abandon(release_id=C, run_key="c", as_of=NOON, reason="new data")
    published(releases, B)
    assert [row.commit_version for row in releases.history()] == [0, 1, 2, 3, 4]
    for version in range(5):
        table = pl.read_delta(str(releases.lake.root / RELEASES.name), version=version)
        assert sorted(table[COMMIT_VERSION]) == list(range(version + 1))


def test_the_newest_commit_is_current_whatever_the_clock_says(releases: Releases) -> None:
    published(releases, A, B)
    current = releases.current()
    assert current is not None
    assert current.release_id == B
    assert current.created_at < releases.get(A).created_at


def test_the_listing_is_what_scripts_rely_on(releases: Releases) -> None:
    published(releases, A, B)
    releases.refuse(draft(C, reason="coverage"))
    releases.rollback(A, "B is odd")
    releases.hold("until fixed")
    entries = releases.listing()
    assert [(e["id"], e["status"], e["current"]) for e in entries] == [
        (A, "published", True),
        (B, "published", False),
        (C, "refused", False),
    ]
    assert entries[1]["as_of"] == "2024-05-01T19:00:00+00:00"
    assert entries[1]["content_hashes"] == {AUDIENCE_RECOMMENDATIONS.name: B}
    assert datetime.fromisoformat(entries[1]["created_at"]) < NOON


def test_a_night_whose_base_was_overtaken_is_refused(releases: Releases) -> None:
    published(releases, A)
    base = releases.version()
    published(releases, B)
    with pytest.raises(Busy, match=f"release {B} was published while the night ran"):
        releases.publish(draft(C), base)
    assert [row.release_id for row in releases.history()] == [A, B]


def test_a_first_night_that_was_overtaken_is_refused(releases: Releases) -> None:
    base = releases.version()
    published(releases, A)
    with pytest.raises(Busy):
        releases.publish(draft(B), base)


def test_a_rollback_during_the_night_is_not_undone_by_it(releases: Releases) -> None:
    published(releases, A, B)
    base = releases.version()
    releases.rollback(A, "B is odd")
    with pytest.raises(Busy, match="saw 'B is odd'"):
        releases.publish(draft(C), base)
    assert releases.current() == releases.get(A)


def test_rows_that_move_nothing_do_not_stop_a_night(releases: Releases) -> None:
    published(releases, A)
    base = releases.version()
    releases.hold("a moment")
    releases.unhold("over")
    assert releases.publish(draft(B), base).commit_version == 3


def test_a_commit_that_was_never_acknowledged_is_recognised(releases: Releases) -> None:
    base = releases.version()
    first = releases.publish(draft(A), base)
    assert releases.publish(draft(A), base) == first
    assert releases.publish(draft(A), releases.version()) == first
    published(releases, B)
    assert releases.publish(draft(A), releases.version()) == first
    assert len(releases.history()) == 2


def test_two_runs_never_share_a_release(releases: Releases) -> None:
    published(releases, A)
    with pytest.raises(NightschoolError, match=f"release {A} was published by run 'key|key of"):
        releases.publish(draft(A, run_key="another"), releases.version())


def test_hold_keeps_nights_from_publishing_until_unheld(releases: Releases) -> None:
    published(releases, A)
    releases.hold("until fixed")
    assert releases.held() == "until fixed"
    with pytest.raises(GateRefused, match="on hold; saw 'until fixed'"):
        releases.publish(draft(B), releases.version())
    released = releases.unhold("fixed")
    assert released is not None
    assert released.status == "unheld"
    assert releases.held() is None
    assert releases.unhold() is None
    assert releases.publish(draft(B), releases.version()).release_id == B


def test_refused_and_abandoned_nights_leave_the_pointer_and_are_noted_once(releases: Releases) -> None:
    published(releases, A)
    for _ in range(2):
        releases.refuse(draft(B, reason="coverage"))
        releases.abandon(release_id=C, run_key="c", as_of=NOON, reason="new data")
    assert [row.status for row in releases.history()] == ["published", "refused", "abandoned"]
    assert releases.current() == releases.get(A)
    assert releases.find_run(f"key of {B}") == releases.get(B)
    assert releases.find_run("c") is None


def test_rollback_is_a_new_row_of_the_old_release(releases: Releases) -> None:
    published(releases, A, B)
    row = releases.rollback(A, "B is odd")
    assert releases.current() == row
    assert row.draft() == draft(A, reason="B is odd")
    assert row.commit_version == 2
    assert releases.rollback(A, "again") == row
    assert len(releases.history()) == 3
    assert releases.rollback(B, "B was fine").commit_version == 3


def test_rollback_goes_only_to_what_is_there(releases: Releases) -> None:
    published(releases, A, B)
    releases.refuse(draft(C))
    for unknown in ("x", C):
        with pytest.raises(NotFound, match="no such release"):
            releases.rollback(unknown, "")
    releases.lake.drop_release(AUDIENCE_RECOMMENDATIONS, A)
    with pytest.raises(
        NotFound, match=f"audience_recommendations of release {A} .* pruned or damaged; saw '0 rows of 1'"
    ):
        releases.rollback(A, "")
    assert releases.pruned() == {A}
    assert releases.current() == releases.get(B)


def test_rows_appended_in_between_are_taken_into_account(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    published(releases, A, B)
    append, rival = Lake.append_after, Releases(releases.lake)
    interruptions = iter(["one", "two"])

    def interrupted(lake: Lake, *arguments: object) -> int:
        monkeypatch.setattr(Lake, "append_after", append)
        reason = next(interruptions, None)
        if reason is not None:
            rival.hold(reason)
            monkeypatch.setattr(Lake, "append_after", interrupted)
        return append(lake, *arguments)

    monkeypatch.setattr(Lake, "append_after", interrupted)
    assert releases.rollback(A, "").commit_version == 4
    assert [row.status for row in releases.history()][2:] == ["held", "held", "published"]


def test_a_hold_in_the_last_moment_still_stops_the_night(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    append, rival = Lake.append_after, Releases(releases.lake)

    def interrupted(lake: Lake, *arguments: object) -> int:
        monkeypatch.setattr(Lake, "append_after", append)
        rival.hold("stop")
        return append(lake, *arguments)

    monkeypatch.setattr(Lake, "append_after", interrupted)
    with pytest.raises(GateRefused, match="on hold; saw 'stop'"):
        releases.publish(draft(A), releases.version())
    assert releases.current() is None


RACE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from nightschool.errors import Busy
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Draft, Releases
root, name = Path(sys.argv[1]), sys.argv[2]
releases = Releases(Lake(root / "lake", pl.Int64(), pl.Int64()))
for turn in range(int(sys.argv[3])):
    base = releases.version()
    print("ready", flush=True)
    while not (root / f"go{turn}").exists():
        time.sleep(0.0005)
    try:
        releases.publish(Draft(release_id=f"{name}{turn}", run_key=f"{name}{turn}", as_of=datetime.now(UTC)), base)
        print("published", flush=True)
    except Busy:
        print("busy", flush=True)
"""


def test_of_two_processes_on_one_base_one_publishes(tmp_path: Path, releases: Releases) -> None:
    turns = 5
    rivals = {
        name: subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path), name, str(turns)], stdout=subprocess.PIPE, text=True
        )
        for name in "ab"
    }
    for turn in range(turns):
        assert [rival.stdout.readline() for rival in rivals.values()] == ["ready\n"] * 2
        (tmp_path / f"go{turn}").touch()
        outcomes = {rival.stdout.readline().strip(): name for name, rival in rivals.items()}
        assert sorted(outcomes) == ["busy", "published"]
        assert releases.current().release_id == f"{outcomes['published']}{turn}"
        assert len(releases.history()) == turn + 1
    assert [rival.wait(timeout=60) for rival in rivals.values()] == [0, 0]
    for rival in rivals.values():
        rival.stdout.close()
