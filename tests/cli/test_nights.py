"""`nightschool nights`, and what `doctor --quiet` says of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightschool.settings import Settings
from nightschool.storage.nights import NightRow, Nights
from tests.application.hooks import hook
from tests.cli.conftest import Run

NOW = datetime.now(UTC).replace(microsecond=0)


def leave(outcome: str, code: int | None, hours: int, **about: object) -> None:
    at = NOW - timedelta(hours=hours)
    row = {"night_id": f"{outcome}{hours}", "started_at": at, "ended_at": at + timedelta(seconds=90)}
    row |= {"scheduled_for": at, "outcome": outcome, "exit_code": code, "reason": f"{outcome} because", **about}
    Nights.of(Settings().paths).append(NightRow.model_validate(row))


def test_without_nights_the_list_says_what_makes_one(run: Run, home: Path) -> None:
    outcome = run("nights")
    assert (outcome.code, outcome.err) == (0, "")
    assert "No night yet" in outcome.out
    assert run("nights", "--json").document == []
    assert not home.exists()


def test_nights_are_listed_with_the_missed_ones(run: Run) -> None:
    leave("published", 0, 73, release_id="2026-11-25-aaaaaaaa", stages={"prepare": {"seconds": 1, "gigabytes": 1.26}})
    leave("data refused", 3, 1)
    outcome = run("nights")
    assert outcome.code == 0
    lines = [line.strip() for line in outcome.out.splitlines() if line.strip().startswith("20")]
    assert [line.split("  ")[1].strip() for line in lines] == ["data refused", "missed", "missed", "published"]
    assert "data refused because" in lines[0]
    assert "90" in lines[3]
    assert "1.3 GB" in lines[3]
    assert "2026-11-25-aaaaaaaa" in lines[3]
    document = run("nights", "--json", "-n", "2").document
    assert [(row["outcome"], row["exit_code"]) for row in document] == [("data refused", 3), ("missed", None)]


def test_quiet_says_nothing_when_all_is_well(run: Run) -> None:
    leave("published", 0, 1)
    outcome = run("doctor", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_quiet_says_one_line_a_problem_and_tells_of_missed_nights(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    leave("failed", 1, 50, as_of=NOW, newest_event=NOW - timedelta(days=9))
    with hook() as told:
        monkeypatch.setenv("NIGHTSCHOOL_NOTIFY", told.address)
        outcome = run("doctor", "--quiet")
        run("doctor", "--quiet")
    assert (outcome.code, outcome.err) == (1, "")
    assert [line.partition(":")[0] for line in outcome.out.splitlines()] == ["night", "nights", "data"]
    assert told.titles == ["Nightschool: missed"]
