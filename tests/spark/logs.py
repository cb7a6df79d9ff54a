"""Logs of made-up interactions, in parts and as one, which must tell the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nightschool.columns import AVAILABLE_AT, INTERACTIONS, ITEM_ID, TIMESTAMP, USER_ID, USERS
from nightschool.data.manifest.manifest import Manifest
from nightschool.night.config import NightConfig
from nightschool.night.night import Night
from nightschool.spark import divide
from nightschool.spark.parts import Parts
from nightschool.spark.prepare import prepare_parts
from nightschool.storage.home import Home
from tests.night.nights import MANIFEST, MONDAY, make_home, start

Row = tuple[int, int, float | None, float, bool]
"""User, item, days before Monday (None: without a time), minutes, liked."""

CONFIG = NightConfig(engine="spark", min_users=2, window_days=3, max_test_share=0.4)
LOG_ONLY = MANIFEST.model_copy(update={"users": None, "items": None})


def home_of(rows: Sequence[Row], root: Path) -> Home:
    """A home with these rows besides Monday's one; users 10 to 29 are declared, and even ones have a department."""
    home = make_home(root)
    users, items, days, minutes, liked = zip(*rows, strict=True)
    when = [None if day is None else MONDAY - timedelta(days=day) for day in days]
    known = {
        USER_ID: users,
        ITEM_ID: items,
        TIMESTAMP: when,
        AVAILABLE_AT: [MONDAY - timedelta(days=400) if at is None else at for at in when],
        "duration_seconds": [60.0 * each for each in minutes],
        "liked": liked,
        "source_file": [f"b{number % 12}.csv" for number in range(len(rows))],
        "source_row": range(len(rows)),
    }
    home.lake.append(INTERACTIONS, _filled(known, home.lake.schema(INTERACTIONS)))
    declared = {USER_ID: range(10, 130), AVAILABLE_AT: [MONDAY - timedelta(days=500)] * 120}
    labels = {"seniority": ["junior", "senior"], "department": ["sales", None, None, None], "interests": [None]}
    named = [pl.Series(name, [*values] * (120 // len(values)), dtype=pl.String) for name, values in labels.items()]
    home.lake.append(USERS, _filled(declared, home.lake.schema(USERS)).with_columns(named))
    return home


def planted(seed: int = 0, n_users: int = 40, n_items: int = 25, events: int = 900) -> list[Row]:
    """Users who like items near their own number, over thirty days."""
    rng = np.random.default_rng(seed)
    users = rng.integers(10, 10 + n_users, events)
    items = 100 + (users + rng.geometric(0.25, events)) % n_items
    days, minutes, liked = rng.random(events) * 30, rng.random(events) * 30, rng.random(events) < 0.3
    return [*zip(users.tolist(), items.tolist(), days.tolist(), minutes.tolist(), liked.tolist(), strict=True)]


def open_night(home: Home, manifest: Manifest = LOG_ONLY, **config: Any) -> Night:
    return start(home, config=CONFIG.model_copy(update=config), manifest=manifest)


def divided(night: Night, folder: Path, parts: int, monkeypatch) -> Parts:
    """Prepare the night in about so many parts."""
    rows = night.home.lake.scan(INTERACTIONS).select(pl.len()).collect().item()
    monkeypatch.setattr(divide, "ROWS_A_PART", max(1, -(-rows // parts)))
    folder.mkdir(parents=True)
    prepare_parts(night, folder)
    return Parts.load(folder)


def here(night: Night) -> Night:
    """The same night on one machine."""
    return replace(night, config=night.config.model_copy(update={"engine": "local"}))


def _filled(columns: dict[str, Any], schema: pl.Schema) -> pl.DataFrame:
    rows = pl.DataFrame({name: pl.Series(values, dtype=schema[name]) for name, values in columns.items()})
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
    return rows.with_columns(lacking).select(*schema)
