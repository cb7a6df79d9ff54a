from pathlib import Path

import pytest

from nightschool.errors import Unavailable
from nightschool.night import plan
from nightschool.night.plan import NightPlan, available_gigabytes, plan_night
from tests.night.nights import make_home


@pytest.mark.parametrize(
    ("rows", "users", "measured"), [(3e5, 1e4, 2.7), (3e6, 1e5, 3.4), (3e7, 3e5, 8.1)], ids=["0.3 M", "3 M", "30 M"]
)
def test_the_estimate_is_near_what_nights_took(rows: float, users: float, measured: float, monkeypatch) -> None:
    class Scanned:
        def select(self, _):
            return self

        def collect(self, **_):
            return self

        def row(self, _):
            return int(rows), int(users)

    class Tables:
        def scan(self, _):
            return Scanned()

    assert plan_night(Tables(), 0.5).gigabytes == pytest.approx(measured, rel=0.1)


def test_rows_and_users_are_counted(tmp_path: Path) -> None:
    found = plan_night(make_home(tmp_path / "home").lake, 1.0)
    assert (found.rows, found.users) == (1, 1)
    assert found.seconds == pytest.approx(95, abs=1)
    assert found.fits


def test_too_little_memory_ends_a_night_before_it_begins() -> None:
    large = NightPlan(100_000_000, 1_000_000, 22.5, 2000.0, 16.0)
    with pytest.raises(
        Unavailable, match=r"out of memory; saw 'about 22 GB for 100,000,000 rows.*engine=spark"
    ) as told:
        large.require()
    assert told.value.exit_code == 7
    NightPlan(1, 1, 2.7, 60.0, 16.0).require()


@pytest.mark.parametrize(("limit", "expected"), [("max", None), (str(2**40), None), ("3000000000", 2e9)])
def test_a_control_group_limits_what_is_free(limit: str, expected: float | None, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("1000000000\n")
    monkeypatch.setattr(plan, "_CGROUP", tmp_path / "nowhere")
    without = available_gigabytes()
    monkeypatch.setattr(plan, "_CGROUP", tmp_path)
    found = available_gigabytes()
    own = plan.psutil.Process().memory_info().rss
    assert found == pytest.approx(without if expected is None else (expected + own) / 1e9, rel=0.2)
