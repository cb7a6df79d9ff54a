"""A night of a home whose lists were explored: what they tell is in its metrics, and the night is as before."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.retrain import retrain
from nightschool.application.home import open_home
from nightschool.columns import METRIC, METRICS, MODEL, RANK, RECOMMENDATIONS, SEGMENT, SPLIT, USER_ID, VALUE
from nightschool.night.config import NightConfig
from nightschool.settings import Settings
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListRow, ListStore
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.release_reader import Reader

pytestmark = pytest.mark.usefixtures("prefect_api")

PLACES, EXPLORE = 5, 0.4
CONFIG = NightConfig(k=20, models=("popularity", "content"), alpha_steps=1, minutes=0, min_users=50, window_days=56)


def explore_lists() -> None:
    """Stores a list of each user, three days before T, explored; users view what is first."""
    reader, rng = Reader.of(open_home()), np.random.default_rng(0)
    release = reader.release
    at = release.as_of - timedelta(days=3)
    ranked = reader.table(RECOMMENDATIONS).filter(pl.col(RANK) <= 4 * PLACES).collect()
    lists, impressions, events = [], [], []
    for (user,), rows in ranked.sort(RANK).group_by(USER_ID, maintain_order=True):
        items = [str(item) for item in rows["item_id"]]
        chosen, pool = items[:PLACES], items[PLACES:]
        if len(pool) < PLACES:
            continue
        explored = rng.random(PLACES) < EXPLORE
        drawn = rng.permutation(pool)[:PLACES].tolist()
        shown = [new if other else old for new, old, other in zip(drawn, chosen, explored, strict=True)]
        chances = np.where(explored, EXPLORE / len(pool), 1 - EXPLORE).tolist()
        text = json.dumps({"item_id": shown, "propensity": chances, "source": ["content"] * PLACES})
        lists.append(ListRow(f"l{user}", str(user), "", release.release_id, "{}", False, at, 1, text))
        impressions.append(Impression(f"i{user}", f"l{user}", str(user), at))
        events.append(Sent(f"e{user}", str(user), shown[0], "view", at + timedelta(hours=1), list_id=f"l{user}"))
    engine = open_database(Settings().events_address)
    ListStore(engine).append(lists)
    ImpressionStore(engine).append(impressions)
    EventStore(engine).append(events)
    engine.dispose()


def test_a_night_measures_its_recipes_by_lists_that_were_explored(home: Path, tmp_path: Path) -> None:
    simulate(SimulatorConfig(users=150, items=60, interactions=4_000, seed=1), tmp_path / "source")
    retrain("learning", tmp_path / "source", config=CONFIG)
    before = Reader.of(open_home()).table(METRICS).filter(pl.col(SPLIT) == "shown").collect()
    assert before.is_empty()
    explore_lists()
    report = retrain("learning", tmp_path / "source", config=CONFIG, force=True)
    assert report["status"] == "published"
    rows = Reader.of(open_home()).table(METRICS).filter(pl.col(SPLIT) == "shown").collect()
    clicks = dict(rows.filter(pl.col(METRIC) == "clicks_per_list").select(MODEL, VALUE).rows())
    assert set(clicks) == {"challenger", "popularity"}  # repeating the first night, it has no champion
    examined = rows.filter(pl.col(METRIC) == "examination").sort(SEGMENT)
    assert examined[SEGMENT].to_list() == [f"place:{n:02d}" for n in range(1, PLACES + 1)]
    assert examined[VALUE][0] > 2 * examined[VALUE][1]
