from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from nightschool.columns import EVENT, ITEM_ID, TIMESTAMP, USER_ID
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.errors import DataRefused
from nightschool.night.config import NightConfig
from nightschool.night.filter_report import measure_effects
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth
from tests.data.logs import START, as_ingested

TOLERANT = NightConfig(bot_ceiling=1)
ROWS = [
    *(("bot", f"i{item}", item, "view") for item in range(4)),
    ("ann", "i0", 0, "view"),
    ("ann", "i1", 60, "hide"),
    ("ann", "i2", None, "view"),
    ("bob", "i9", 90, "hide"),
]


def log_of(**manifest: Any) -> EventLog:
    """Three users; one of them views four items in three seconds."""
    parts = {"files": ["x"], "user": "u", "item": "i", "event": "e", "timestamp": {"column": "t", "unit": "s"}}
    described = Manifest.model_validate({"name": "tiny", "score": "implicit", "interactions": parts, **manifest})
    times = [None if row[2] is None else START + timedelta(seconds=row[2]) for row in ROWS]
    frame = pl.DataFrame(
        {
            USER_ID: [row[0] for row in ROWS],
            ITEM_ID: [row[1] for row in ROWS],
            EVENT: [row[3] for row in ROWS],
            TIMESTAMP: times,
        }
    )
    return build_event_log(None, None, as_ingested(frame), described)


def effects_of(log: EventLog, config: NightConfig) -> dict[str, tuple[Any, ...]]:
    """Rule to setting, rows, users, items."""
    rows = measure_effects(replace(log, rules=config), log.known, config).rows
    return {row["rule"]: (row["setting"], row["rows"], row["users"], row["items"]) for row in rows}


def test_each_rule_tells_its_setting_and_what_it_touches() -> None:
    config = TOLERANT.model_copy(
        update={"half_life_days": 30.0, "min_item_events": 2, "params": {"svd": {"negatives": 2}, "ease": {"l2": 9}}}
    )
    # Without the bot every item is met once, so that a minimum of two would leave nothing.
    assert effects_of(log_of(bots=["view"]), config.model_copy(update={"min_item_events": 1})) == {
        "dislike and hide": ("dislike -5, hide -10", 2, 2, 2),
        "recency decay": ("half-life 30 days", 7, 3, 5),
        "suspected bots": ("view: more than 2 and 20% within 5 s", 4, 1, 4),
        "minimum interactions": ("off", 0, 0, 0),
        "negative sampling": ("svd: 2 an interaction", 2, 1, 2),
    }
    with pytest.raises(DataRefused, match="nothing to learn from"):
        effects_of(log_of(bots=["view"]), config)
    # With it item 9 and the one who met nothing else teach nothing, nor does item 3.
    assert effects_of(log_of(), config)["minimum interactions"] == ("1 a user, 2 an item", 2, 1, 2)


def test_rules_that_are_off_touch_nothing() -> None:
    graded = log_of(score="events", bots=[])
    off = effects_of(graded, NightConfig(params={"svd": {"negatives": 2}}))
    assert off.pop("dislike and hide") == ("dislike -5, hide -10", 2, 2, 2)
    assert set(off) == {"recency decay", "suspected bots", "minimum interactions", "negative sampling"}
    assert set(off.values()) == {("off", 0, 0, 0)}
    assert effects_of(log_of(event_weights={"dislike": 1, "hide": 1}), NightConfig())["dislike and hide"][0] == "off"


def test_the_rule_of_the_simulated_platform_finds_the_bots_that_were_planted(tmp_path: Path) -> None:
    simulate(SimulatorConfig(users=1000, items=100, interactions=30_000), tmp_path)
    rows = pl.read_csv(tmp_path / "engagements.csv", try_parse_dates=True).rename({"content_id": ITEM_ID})
    alone = load_manifest("learning").model_copy(update={"users": None, "items": None})
    log = build_event_log(None, None, as_ingested(rows), alone)
    planted = np.flatnonzero(Truth.read(tmp_path / "truth.parquet").bots) + 1
    assert len(planted) == 4
    assert measure_effects(log, log.known, NightConfig()).set_aside[USER_ID].sort().to_list() == planted.tolist()


def test_only_the_fitted_events_count() -> None:
    log = log_of(bots=["view"])
    fitted = np.array([True] * 3 + [False] + [True] * 2 + [False] * 2)
    effects = measure_effects(log, fitted, TOLERANT)
    assert effects.set_aside.is_empty()
    assert [row["rows"] for row in effects.rows] == [1, 0, 0, 0, 0]


def test_who_is_set_aside_is_listed_with_the_reason() -> None:
    effects = measure_effects(log_of(bots=["view"]), np.ones(len(ROWS), dtype=bool), TOLERANT)
    assert effects.set_aside.to_dicts() == [{"user_id": "bot", "reason": "suspected_bot", "events": 4}]
    with pytest.raises(DataRefused, match="bot_ceiling"):
        measure_effects(log_of(bots=["view"]), np.ones(len(ROWS), dtype=bool), NightConfig())
