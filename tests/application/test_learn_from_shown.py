from datetime import timedelta
from pathlib import Path

from nightschool.application.learn_from_shown import learn_from_shown
from nightschool.experiments.allocation import Allocations
from nightschool.experiments.plan import Plan
from nightschool.experiments.store import Experiments
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.shown.showings import ShowingStore
from nightschool.storage.database import open_database
from tests.shown.given import HOUR, START, a_list

ARMS = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]


def test_without_a_database_or_without_showings_nothing_is_learned(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/events.db"
    assert learn_from_shown(address) == (None, {})
    assert not (tmp_path / "events.db").exists()
    database = open_database(address)
    Experiments(database).start(Plan.model_validate({"name": "fixed", "arms": ARMS}))
    assert learn_from_shown(address) == (None, {})
    assert ShowingStore(database).learned() is None


def test_fatigue_and_shares_are_learned_and_kept(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/events.db"
    database = open_database(address)
    experiment = Experiments(database).start(Plan.model_validate({"name": "x", "arms": ARMS, "allocation": "thompson"}))
    ListStore(database).append([a_list("l", ["i", "j"])])
    ImpressionStore(database).append([Impression("one", "l", "u", START + HOUR)])
    fatigue, shares = learn_from_shown(address, START + timedelta(days=2))
    assert fatigue is not None
    assert fatigue.shown[0] == 2
    assert ShowingStore(database).learned() == fatigue
    assert [*shares] == ["x"]
    assert [*Allocations(database).of(experiment)] == [shares["x"].day]
