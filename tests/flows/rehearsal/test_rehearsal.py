"""Nights in a row as operators meet them: late, corrected and damaged files, kills, a full disk, a missed night."""

import signal
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from tests.flows.rehearsal.deliveries import Landing
from tests.flows.rehearsal.outcome import Contents, Outcome
from tests.flows.rehearsal.script import NIGHTS, NIGHTS_WITHOUT_IDS, SHORT, Due, Night
from tests.flows.rehearsal.stage import Stage, Worker, full, run_here, small_disk
from tests.flows.servers import Servers

DISK_MEGABYTES = 512
VARIANTS = {"with-ids": NIGHTS, "without-ids": NIGHTS_WITHOUT_IDS}


# What must hold after every night


def check(stage: Stage, due: Due, outcome: Outcome, before: int) -> None:
    """Compare what came of a night with what is due; `before` counts the releases before it."""
    assert outcome.status == due.status, outcome.message
    if outcome.state:
        assert outcome.state == ("COMPLETED", "Unchanged" if due.status == "unchanged" else "Completed")
    check_rows(due, outcome, stage.landing.aside)
    check_ledger(stage.landing, stage.contents)
    published = stage.contents.published()[before:]
    check_gone(stage.landing, stage.contents, due, before)
    assert [release.as_of for release in published] == [stage.landing.night] * (due.status == "published")
    assert not list(stage.home.glob("nights/*/")), "the night left its working files"


def check_gone(landing: Landing, contents: Contents, due: Due, before: int) -> None:
    """Look for withdrawn items and users who left: in the newest release, and before they went."""
    *_, newest = contents.published()
    assert not contents.shown_items(newest.release_id) & landing.gone_items
    assert not contents.listed_users(newest.release_id) & landing.gone_users
    if due.withdrawn:
        earlier = contents.published()[before - 1].release_id
        assert "items" not in due.withdrawn or landing.gone_items <= contents.shown_items(earlier)
        assert "users" not in due.withdrawn or landing.gone_users <= contents.listed_users(earlier)


def check_rows(due: Due, outcome: Outcome, aside: Mapping[str, int]) -> None:
    figures = {name: outcome.figure(name) for name in ("rows_in", "already_known", "accepted", "quarantined")}
    assert figures["rows_in"] == figures["already_known"] + figures["accepted"] + figures["quarantined"]
    if due.accepted is not None:
        assert figures["accepted"] == due.accepted, outcome.message
    assert figures["already_known"] >= due.known
    assert outcome.figure("set_aside") == sum(aside.values())
    assert {file: outcome.fates.get(file) for file in due.fates} == due.fates
    assert [file for file in due.named if file not in outcome.notes] == []
    for table, n in due.withdrawn.items():
        assert outcome.rows[table].get("withdrawn", 0) == n


def check_ledger(landing: Landing, contents: Contents) -> None:
    events = contents.events()
    assert len(set(events)) == len(events), "an event counts twice"
    expected = set(landing.live.values())
    lost, strange = expected - set(events), set(events) - expected
    assert not lost, f"{len(lost)} events are missing, such as {min(lost)}"
    assert not strange, f"{len(strange)} events were not delivered so, such as {min(strange)}"
    assert contents.quarantine() == landing.quarantine


def rehearse(stage: Stage, night: Night) -> None:
    """Deliver what is due, run the night and compare."""
    stage.landing.today += timedelta(days=1)
    before = len(stage.contents.published())
    if night.trouble == "missed":
        stage.note(night.name, night.deliver(stage.landing), Outcome("missed"))
        stage.keep()
        return
    due = night.deliver(stage.landing)
    {"killed": kill_once, "full disk": fail_on_full_disk}.get(night.trouble, lambda _: None)(stage)
    outcome = stage.play()
    stage.note(night.name, due, outcome)
    check(stage, due, outcome, before)


# Troubles


def kill_once(stage: Stage) -> None:
    """Kill the night when it has chosen a recipe: nothing of it can be seen."""
    assert isinstance(stage.run, Worker)
    before = len(stage.contents.published())
    landing = stage.landing
    state = stage.run.kill(
        stage.home, landing.sources, landing.night, lambda: bool(list(stage.home.glob("nights/*/select.json")))
    )
    assert state["type"] == "CRASHED"
    assert str(-signal.SIGKILL) in state["message"]
    assert len(stage.contents.published()) == before
    stage.note("", Due("killed after select"), Outcome("crashed"))


def fail_on_full_disk(stage: Stage) -> None:
    """Run the night on a full disk: it says so in one line, and the release before stays."""
    before = stage.contents.published()
    with full(stage.home.parent):
        outcome = stage.play()
    stage.note("", Due("the disk is full"), outcome)
    assert outcome.state == ("FAILED", "Unavailable"), outcome.message
    assert "full" in outcome.message
    assert "\n" not in outcome.message
    assert stage.contents.published() == before


# The full form, through the deployment and a worker


@pytest.fixture(scope="module")
def disk() -> Iterator[Path | None]:
    with small_disk(DISK_MEGABYTES) as folder:
        yield folder


@pytest.fixture(scope="module")
def stages(
    servers: Servers,
    disk: Path | None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[dict[str, Stage]]:
    """The homes of both variants; what came of their nights is printed at the end."""
    folder = tmp_path_factory.mktemp("rehearsal")
    made = {
        name: Stage(
            home=(disk or folder) / f"{name}-home",
            landing=Landing(folder / name, with_ids=name == "with-ids"),
            run=Worker(servers),
            kept=folder / f"{name}-kept",
        )
        for name in VARIANTS
    }
    yield made
    for name, stage in made.items():
        sys.stdout.write(f"\n\nEvents {name}\n\n{stage.table()}\n")


@pytest.mark.rehearsal
@pytest.mark.server
@pytest.mark.parametrize(
    ("variant", "night"),
    [
        pytest.param(variant, night, id=f"{variant}: {number} {night.name}")
        for variant, nights in VARIANTS.items()
        for number, night in enumerate(nights, start=1)
    ],
)
def test_a_night(stages: dict[str, Stage], disk: Path | None, variant: str, night: Night) -> None:
    if night.trouble == "full disk" and disk is None:
        pytest.skip("a small file system cannot be mounted here: that needs root")
    rehearse(stages[variant], night)


@pytest.mark.rehearsal
@pytest.mark.server
def test_a_backfilled_night_is_what_it_would_have_been_on_time(stages: dict[str, Stage]) -> None:
    stage = stages["with-ids"]
    assert stage.missed is not None
    current = stage.contents.releases.current()
    outcome = stage.run(stage.home, stage.landing.sources, stage.missed)
    stage.note("backfill", Due("nothing, T of the missed night"), outcome)
    assert outcome.status == "backfilled", outcome.message
    (backfilled,) = (row for row in stage.contents.releases.history() if row.status == "backfilled")
    assert backfilled.as_of == stage.missed
    assert stage.contents.releases.current() == current
    on_time = stage.on_time().releases.current()
    assert on_time is not None
    assert on_time.as_of == stage.missed
    assert backfilled.release_id == on_time.release_id
    assert dict(backfilled.content_hashes) == dict(on_time.content_hashes)


# The short form, in this process


@pytest.fixture(scope="module")
def short(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    assert prefect_api
    folder = tmp_path_factory.mktemp("short")
    stage = Stage(folder / "home", Landing(folder / "source", with_ids=True), run_here, folder / "kept")
    yield stage
    sys.stdout.write(f"\n\n{stage.table()}\n")


@pytest.mark.parametrize("night", [pytest.param(night, id=night.name) for night in SHORT])
def test_a_night_in_short(short: Stage, night: Night) -> None:
    rehearse(short, night)


# The rehearsal itself


@pytest.mark.parametrize("damage", ["lost", "twice", "strange"])
def test_the_ledger_notices_what_is_not_as_delivered(tmp_path: Path, damage: str) -> None:
    landing = Landing(tmp_path / "source", with_ids=True)
    landing.expect(landing.platform.events(landing.day))
    kept = [*landing.live.values()]
    kept = {"lost": kept[1:], "twice": [*kept, kept[0]], "strange": [*kept, ("u", *kept[0][1:])]}[damage]

    class Damaged(Contents):
        def events(self) -> list[tuple[str, str, object, str]]:
            return kept

    with pytest.raises(AssertionError, match=r"missing|twice|not delivered"):
        check_ledger(landing, Damaged(tmp_path / "home"))
