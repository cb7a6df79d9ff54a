"""The command line over an experiment whose shares follow the results."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightschool.experiments.allocation import Allocations
from nightschool.experiments.store import Experiments
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.tables import EXPERIMENTS
from tests.cli.conftest import Run, require_refusal
from tests.shown.given import HOUR, a_list

PLAN = """
name = "best-alpha"
allocation = "thompson"
floor = 0.1
[[arms]]
name = "control"
share = 0.5
[[arms]]
name = "content"
share = 0.5
alpha = 0.6
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "best-alpha.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def take_part(home: Path, likes: dict[str, int], n: int = 200) -> None:
    """Three days ago, so many users of each arm were shown an item, which some of them liked."""
    engine, at = open_database(f"sqlite:///{home / 'events.db'}"), datetime.now(UTC) - timedelta(days=3)
    with engine.begin() as connection:
        connection.execute(sa.update(EXPERIMENTS).values(started_at=at - 2 * HOUR))
    users = [(arm, f"{arm}{number}") for arm in likes for number in range(n)]
    arms = '{{"best-alpha":"{}"}}'
    ListStore(engine).append([a_list(user, ["i"], user, arms=arms.format(arm), made_at=at) for arm, user in users])
    ImpressionStore(engine).append([Impression(user, user, user, at) for _, user in users])
    fans = [f"{arm}{number}" for arm, n_likes in likes.items() for number in range(n_likes)]
    EventStore(engine).append([Sent(user, user, "i", "like", at + HOUR) for user in fans])
    Allocations(engine).set_next(Experiments(engine).get("best-alpha"), datetime.now(UTC) - timedelta(days=1))
    engine.dispose()


def test_shares_and_weighed_differences_are_told(run: Run, file: Path, home: Path) -> None:
    assert run("experiment", "start", file).code == 0
    empty = run("experiment", "status").out
    assert "too few conversions yet" in empty
    assert "50.0%" in empty
    take_part(home, {"control": 20, "content": 90})
    result = run("experiment", "status", "--json").document["experiments"][0]["result"]
    control, content = result["arms"]
    assert (control["user_days"], control["conversions"], control["difference"]) == (200, 20, None)
    assert content["low"] < content["difference"] < content["high"]
    assert content["share"] == pytest.approx(0.9, abs=0.01)
    assert len(result["shares"]) == 1
    shown = run("experiment", "status").out
    assert f"{100 * content['difference']:+.2f} %" in shown
    assert "verdict" not in shown


def test_a_floor_that_does_not_fit_is_refused(run: Run, file: Path) -> None:
    file.write_text(PLAN.replace("0.1", "0.5", 1).replace("share = 0.5", "share = 0.25", 2) + "\n" + THIRD)
    require_refusal(run("experiment", "start", file), 2, "a floor of at most 1 / 3")


THIRD = """[[arms]]
name = "third"
share = 0.5
"""
