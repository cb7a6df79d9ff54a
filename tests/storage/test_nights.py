"""The table of nights: begins and ends, tries that died, days without a try, and what is kept."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from nightschool.columns import NIGHTS
from nightschool.settings import HomePaths
from nightschool.storage.nights import NightRow, Nights, missed, with_missed

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
TWO = datetime(2026, 11, 20, 2, tzinfo=UTC)
DIE = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from nightschool.settings import HomePaths
from nightschool.storage.nights import NightRow, Nights
nights = Nights.of(HomePaths(Path(sys.argv[1])))
with nights.running("dead"):
    nights.append(NightRow(night_id="dead", started_at=datetime.now(UTC)))
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights.of(HomePaths(tmp_path / "home"))


def ended(night_id: str, started_at: datetime, **about: object) -> NightRow:
    row = {"night_id": night_id, "started_at": started_at, "ended_at": started_at + timedelta(minutes=3)}
    return NightRow.model_validate({**row, "outcome": "published", "exit_code": 0, **about})


def planned(*days: int) -> list[NightRow]:
    return [ended(str(day), TWO + timedelta(days=day), scheduled_for=TWO + timedelta(days=day)) for day in days]


def test_a_home_without_nights_has_none(nights: Nights) -> None:
    assert nights.all() == []
    nights.trim(NOW)
    assert not nights.lake.root.exists()


def test_a_try_is_one_row_whose_end_counts(nights: Nights) -> None:
    first = NightRow(night_id="a", started_at=NOW, flow_run_id="run", as_of=TWO)
    with nights.running("a"):
        nights.append(first)
        assert nights.all() == [first]
        assert nights.all()[0].outcome == "running"
        about = {"rows": {"users": {"rows_in": 2}}, "stages": {"prepare": {"seconds": 1.5, "gigabytes": 0.2}}}
        last = ended("a", NOW, **about, reason="why", release_id="r", newest_event=TWO, flow_run_id="run", as_of=TWO)
        nights.append(last)
    assert nights.all() == [last]
    assert last.seconds == 180


def test_the_newest_try_comes_first(nights: Nights) -> None:
    for row in (ended("b", NOW), ended("c", NOW + timedelta(hours=1)), ended("a", NOW - timedelta(hours=1))):
        nights.append(row)
    assert [row.night_id for row in nights.all()] == ["c", "b", "a"]


def test_a_try_whose_process_was_killed_died(nights: Nights, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DIE, str(tmp_path / "home")], check=False)
    (row,) = nights.all()
    assert (row.outcome, row.ended_at, row.exit_code) == ("died", None, None)
    with nights.running("next"):
        assert [path.name for path in nights.tries.iterdir()] == ["next"]
    assert list(nights.tries.iterdir()) == []


def test_a_running_try_is_no_dead_one_beside_another(nights: Nights) -> None:
    with nights.running("a"):
        nights.append(NightRow(night_id="a", started_at=NOW))
        with nights.running("b"):
            nights.append(ended("b", NOW + timedelta(minutes=1), outcome="busy", exit_code=6))
        assert [row.outcome for row in nights.all()] == ["busy", "running"]


def test_each_day_without_a_planned_try_is_missed() -> None:
    rows = planned(0, 1, 4)
    at = TWO + timedelta(days=5, hours=1)
    assert [row.at for row in missed(rows, at)] == [TWO + timedelta(days=3), TWO + timedelta(days=2)]
    assert [row.outcome for row in with_missed(rows, at)] == ["published", "missed", "missed", "published", "published"]


def test_a_night_is_missed_two_hours_after_it_was_expected() -> None:
    assert missed(planned(0), TWO + timedelta(hours=26)) == []
    assert [row.at for row in missed(planned(0), TWO + timedelta(hours=26, seconds=1))] == [TWO + timedelta(days=1)]


def test_a_home_that_nobody_planned_nights_for_misses_none() -> None:
    assert missed([ended("a", TWO), ended("b", TWO + timedelta(days=5))], NOW) == []


def test_tries_are_kept_for_400_days_in_few_files(nights: Nights) -> None:
    for day in (500, 401, 399, 1):
        nights.append(ended(str(day), NOW - timedelta(days=day)))
    nights.trim(NOW)
    assert [row.night_id for row in nights.all()] == ["1", "399"]
    nights.lake.compact(NIGHTS, 1)
    assert len(DeltaTable(nights.lake.root / NIGHTS.name).file_uris()) == 1
    assert [row.night_id for row in nights.all()] == ["1", "399"]
