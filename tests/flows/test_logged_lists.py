"""A night of a home whose lists were explored: what they tell is in its metrics, and the night is as before."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.retrain import retrain
from nightschool.application.home import open_home
from nightschool.columns import METRIC, METRICS, MODEL, RANK, RECOMMENDATIONS, SEGMENT, SPLIT, VALUE
from nightschool.settings import Settings
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListRow, ListStore
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.release_reader import Reader
from tests.flows.platforms import CONFIG, make_platform

pytestmark = pytest.mark.usefixtures("prefect_api")

PLACES, EXPLORE = 5, 0.4


def explore_lists() -> None:
    """Stores a list of each user, three days before T, explored and sometimes clicked."""
    reader, rng = Reader.of(open_home()), np.random.default_rng(0)
    at = reader.release.as_of - timedelta(days=3)
    ranked = reader.table(RECOMMENDATIONS).filter(pl.col(RANK) <= 4 * PLACES).collect()
    lists, impressions, events = [], [], []
    for (user,), rows in ranked.sort(RANK).group_by("user_id", maintain_order=True):
        items = [str(item) for item in rows["item_id"]]
        chosen, pool = items[:PLACES], items[PLACES:]
        if len(pool) < PLACES:
            continue
        explored = rng.random(PLACES) < EXPLORE
        drawn = rng.permutation(pool)[:PLACES].tolist()
        shown = [new if other else old for new, old, other in zip(drawn, chosen, explored, strict=True)]
        chances = np.where(explored, EXPLORE / len(pool), 1 - EXPLORE).tolist()
        text = json.dumps({"item_id": shown, "propensity": chances, "source": ["ease"] * PLACES})
        name = reader.release.release_id
        lists.append(ListRow(f"l{user}", str(user), "", name, "{}", False, at, 1, text))
        impressions.append(Impression(f"i{user}", f"l{user}", str(user), at))
        events.append(Sent(f"e{user}", str(user), shown[0], "view", at + timedelta(hours=1), list_id=f"l{user}"))
    engine = open_database(Settings().events_address)
    ListStore(engine).append(lists)
    ImpressionStore(engine).append(impressions)
    EventStore(engine).append(events)
    engine.dispose()


def test_a_night_measures_its_recipes_by_lists_that_were_explored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = make_platform(tmp_path)
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(platform.home))
    monkeypatch.setattr("nightschool.application.opening.code_version", lambda: "code")
    explore_lists()
    report = retrain("learning", platform.source, config=CONFIG, force=True)
    assert report["status"] == "published"
    rows = Reader.of(open_home()).table(METRICS).collect().filter(pl.col(SPLIT) == "shown")
    clicks = dict(rows.filter(pl.col(METRIC) == "clicks_per_list").select(MODEL, VALUE).rows())
    assert {"challenger", "champion", "popularity"} <= set(clicks)
    examined = rows.filter(pl.col(METRIC) == "examination").sort(SEGMENT)
    assert examined[SEGMENT].to_list() == [f"place:{n:02d}" for n in range(1, PLACES + 1)]
    # Everybody viewed what was first, and nothing else.
    assert examined[VALUE][0] > 5 * examined[VALUE][1]
