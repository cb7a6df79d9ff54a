"""A night that is killed leaves the release of the night before, and goes on where it was when it is run again."""

import os
import signal

import polars as pl
import pytest

from nightschool.columns import RELEASE_TABLES, Table
from nightschool.ingest.ledger import Ledger
from nightschool.storage.lake import Lake
from tests.flows.conftest import World
from tests.flows.victims import KEPT, Moment, after, read_whole_release

pytestmark = pytest.mark.faults

MOMENTS = {
    "before the ledger": (Moment(Ledger, "write", after=False), 0),
    "after ingest": (Moment(Ledger, "write"), 0),
    **{f"after {stage}": (after(stage), number) for number, stage in enumerate(KEPT, start=1)},
    "between tables and pointer": (Moment(Lake, "append_after", after=False), len(KEPT)),
    "after the pointer": (Moment(Lake, "append_after"), len(KEPT)),
}
"""When the night is killed, and how many stages it has finished by then."""


@pytest.mark.parametrize("name", MOMENTS)
def test_a_killed_night_goes_on_and_publishes_once(world: World, name: str) -> None:
    moment, n_finished = MOMENTS[name]
    world.restore()
    with world.watched(f"reader {name}") as seen:
        killed = world.scene.night(f"killed {name}", moment)
        assert killed.end() == -signal.SIGKILL, killed.log()
        with pytest.raises(ProcessLookupError):
            os.killpg(killed.pid, 0)
        rerun = world.scene.night(f"rerun {name}")
        result = rerun.result()

    assert tuple(killed.stages()) == KEPT[:n_finished]
    assert tuple(rerun.stages()) == KEPT[n_finished:]
    status = "already published" if name == "after the pointer" else "published"
    # What the ledger never heard of is taken in once more.
    accepted = world.undisturbed["accepted"] if name == "before the ledger" else 0
    assert result == {**world.undisturbed, "status": status, "accepted": accepted}
    assert seen == [world.first["release_id"], result["release_id"]]


def test_the_undisturbed_night_publishes_something_else_than_the_night_before(world: World) -> None:
    before, now = world.first, world.undisturbed
    assert (before["status"], now["status"], now["left_over"]) == ("published", "published", [])
    assert 0 < now["accepted"] < before["accepted"]
    assert now["history"] == [["published", before["release_id"]], ["published", now["release_id"]]]
    assert now["champion"] == now["release_id"]
    assert before["content_hashes"]["recommendations"] != now["content_hashes"]["recommendations"]


@pytest.mark.parametrize("table", RELEASE_TABLES, ids=lambda table: table.name)
def test_the_reader_notices_a_release_that_is_not_whole(
    world: World, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.restore()
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(world.scene.home))
    release_id = read_whole_release()
    assert release_id == world.first["release_id"]
    lake = Lake(world.scene.home / "lake", pl.Int64(), pl.Int64())
    if lake.scan(table, release_id).collect().is_empty():
        pytest.skip(f"the release has no {table.name}: it loses nothing with them")
    lake.drop_release(table, release_id)
    with pytest.raises(AssertionError, match=table.name):
        read_whole_release()
