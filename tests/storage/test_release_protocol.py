"""Nights, backfills, rollbacks and holds in one process, interleaved and killed by a seed; a failing one replays."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import ERASURES, RECOMMENDATIONS, RELEASES, Table
from nightschool.errors import Busy, GateRefused, Moved
from nightschool.storage.lake import Lake
from nightschool.storage.release import STORED, Draft, Release
from nightschool.storage.releases import Releases

START = datetime(2024, 5, 1, tzinfo=UTC)
ROLLED_BACK = "rolled back"


class Killed(Exception):
    """The process that stood here is gone."""


class World(Lake):
    """Tables in memory; every call of a release's code may be a moment to die in, or to lose the processor."""

    def __init__(self, seed: int) -> None:
        super().__init__(Path("memory"), pl.Int64(), pl.Int64())
        self.rng = random.Random(seed)
        self.rows: list[dict[str, object]] = []
        self.written: set[str] = set()
        self.nights: list[Draft] = []
        self.bases: dict[str, int | None] = {}
        self.backfills: set[str] = set()
        self.depth = 0
        self.ends: Counter[str] = Counter()
        self.calm = False
        self.started = 0
        self.releases = Releases(self, clock=self.clock)

    def clock(self) -> datetime:
        """A clock that jumps about."""
        return START + timedelta(hours=self.rng.randint(-1000, 1000))

    def version(self, table: Table) -> int | None:
        assert table is RELEASES
        self.moment()
        return len(self.rows) - 1 if self.rows else None

    def scan(self, table: Table, release_id: str | None = None) -> pl.LazyFrame:
        self.moment()
        if table is RELEASES:
            return pl.DataFrame(self.rows, schema=self.schema(RELEASES)).lazy()
        if table is ERASURES:
            return pl.LazyFrame(schema=self.schema(ERASURES))
        return pl.LazyFrame({"row": [1] if table is RECOMMENDATIONS and release_id in self.written else []})

    def sync(self, table: Table) -> None:
        assert table.name
        self.moment()

    def append_after(self, table: Table, frame: pl.DataFrame, base: int | None) -> int:
        assert table is RELEASES
        self.moment()
        if base != (len(self.rows) - 1 if self.rows else None):
            raise Moved("moved on")
        (row,) = frame.to_dicts()
        self.judge(Release.from_row(row))
        self.rows.append(row)
        self.moment()
        return len(self.rows) - 1

    def judge(self, row: Release) -> None:
        """What must hold whenever a row is committed."""
        history = [Release.from_row(earlier) for earlier in self.rows]
        assert row.commit_version == len(history)
        if row.status not in STORED:
            return
        assert row.release_id in self.written
        stored = {earlier.release_id for earlier in history if earlier.status in STORED}
        if row.reason == ROLLED_BACK:
            assert row.release_id in stored
            return
        assert row.status == ("backfilled" if row.release_id in self.backfills else "published")
        marks = [earlier.status for earlier in history if earlier.status in ("held", "unheld")]
        assert marks[-1:] != ["held"]
        assert row.release_id not in stored
        if row.status == "backfilled":
            return
        base = self.bases[row.release_id]
        assert not [e for e in history[0 if base is None else base + 1 :] if e.status == "published"]

    def moment(self) -> None:
        """Nothing happens here, or the process is killed, or somebody else acts before it goes on."""
        if self.calm:
            return
        if self.rng.random() < 0.03:
            raise Killed
        if self.depth < 2 and self.rng.random() < 0.06:
            self.ends["interleaved"] += 1
            self.act()

    def act(self) -> None:
        """One person or night does one thing; being killed ends only that."""
        actions: list[Callable[[], object]] = [self.start, self.publish, self.publish, self.roll_back, self.hold]
        self.depth += 1
        try:
            self.rng.choice(actions)()
        except (Killed, Busy, GateRefused) as end:
            self.ends[type(end).__name__] += 1
        finally:
            self.depth -= 1

    def start(self) -> None:
        self.started += 1
        release_id = f"{START + timedelta(days=self.started):%Y-%m-%d}-{self.started:08}"
        base = self.releases.version()
        self.nights.append(
            Draft(release_id=release_id, run_key=release_id, as_of=START, row_counts={"recommendations": 1})
        )
        self.bases[release_id] = base
        if self.rng.random() < 0.4:
            self.backfills.add(release_id)

    def publish(self) -> None:
        """A try of an open night, which may be a rerun after it was killed anywhere."""
        if not self.nights:
            return
        night = self.rng.choice(self.nights)
        decided = self.releases.find_run(night.run_key)
        if decided is None:
            self.written.add(night.release_id)
            try:
                decided = self.finish(night)
            except Busy:
                self.bases[night.release_id] = self.releases.version()
                raise
        assert decided.run_key == night.run_key
        if night in self.nights:
            self.nights.remove(night)

    def finish(self, night: Draft) -> Release:
        if night.release_id in self.backfills:
            return self.releases.backfill(night)
        return self.releases.publish(night, self.bases[night.release_id])

    def roll_back(self) -> None:
        known = [str(row["release_id"]) for row in self.rows if row["release_id"]]
        if known:
            self.releases.rollback(self.rng.choice(known), ROLLED_BACK)

    def hold(self) -> None:
        if self.releases.held() is None:
            self.releases.hold("wait")
        else:
            self.releases.unhold()


def simulate(seed: int) -> World:
    """A world in which everybody has come to an end."""
    world = World(seed)
    for _ in range(12):
        world.act()
    world.calm = True
    world.releases.unhold()
    while world.nights:
        with suppress(Busy):
            world.publish()
    return world


def check(seed: int) -> None:
    world = simulate(seed)
    history = world.releases.history()
    first = [row.release_id for row in history if row.status in STORED and row.reason != ROLLED_BACK]
    assert len(first) == len(set(first)) == len(world.bases), f"seed {seed}"
    current = world.releases.current()
    assert current == next((row for row in reversed(history) if row.status == "published"), None), f"seed {seed}"
    moved = {row.release_id for row in history if row.status == "published" and row.reason != ROLLED_BACK}
    assert not moved & world.backfills, f"seed {seed}"
    entries = world.releases.listing()
    assert [entry["id"] for entry in entries] == first, f"seed {seed}"
    assert [entry["id"] for entry in entries if entry["current"]] == ([current.release_id] if current else [])


def check_all(seeds: range) -> None:
    for seed in seeds:
        check(seed)


@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 200, 50)], ids=str)
def test_whatever_happens_each_night_is_published_once_and_nobody_is_overruled(seeds: range) -> None:
    check_all(seeds)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(start, start + 1000) for start in range(0, 10_000, 1000)], ids=str)
def test_the_same_on_many_more_seeds(seeds: range) -> None:
    check_all(seeds)


def test_a_seed_replays() -> None:
    assert simulate(7).rows == simulate(7).rows


def test_the_simulation_kills_interleaves_and_refuses() -> None:
    worlds = [simulate(seed) for seed in range(60)]
    rows = [(world, row) for world in worlds for row in world.rows]
    assert {row["status"] for _, row in rows} == {"published", "backfilled", "held", "unheld"}
    back = [row["release_id"] in world.backfills for world, row in rows if row["reason"] == ROLLED_BACK]
    assert set(back) == {True, False}
    ends = sum((world.ends for world in worlds), Counter[str]())
    assert set(ends) == {"Killed", "Busy", "GateRefused", "interleaved"}


@pytest.mark.parametrize("broken", ["_refuse_moved", "refuse_hold"])
def test_the_simulation_finds_a_broken_protocol(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    monkeypatch.setattr(f"nightschool.storage.releases.{broken}", lambda *_: None)
    with pytest.raises(AssertionError):
        check_all(range(200))


def test_the_simulation_finds_backfills_that_are_stored_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.storage.releases._stored", lambda history: [])
    monkeypatch.setattr(World, "roll_back", lambda world: None)
    with pytest.raises(AssertionError):
        check_all(range(200))
