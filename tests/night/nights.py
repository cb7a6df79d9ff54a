"""A home with three rows, and nights that are opened and decided in it without any model."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.columns import AVAILABLE_AT, INTERACTIONS, ITEM_ID, ITEMS, TITLE, USER_ID, USERS
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.night.config import NightConfig
from nightschool.night.identity import Request
from nightschool.night.night import Night, resolve_night
from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Draft, Release, Releases

MONDAY = datetime(2024, 5, 6, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
MANIFEST = load_manifest("learning")
CONFIG = NightConfig()
REQUEST = Request(as_of=None, code="code", environment="environment")
POPULARITY = {"components": [{"model": "popularity"}]}


def make_home(root: Path) -> Home:
    """Two users, two items and, on Monday, one interaction."""
    paths = HomePaths(root)
    binding = Binding(dataset="learning", manifest="learning", source_root=root, user_id="Int64", item_id="Int64")
    lake = Lake(paths.lake, binding.user_dtype, binding.item_dtype)
    early = pl.Series(AVAILABLE_AT, [MONDAY - timedelta(days=30)] * 2)
    for table, columns in ((USERS, {USER_ID: [1, 2]}), (ITEMS, {ITEM_ID: [7, 8], TITLE: ["x", "y"], "text": ["", ""]})):
        lake.append(table, pl.DataFrame({**columns, AVAILABLE_AT: early}, schema_overrides=lake.schema(table)))
    home = Home(paths, binding, lake, Releases(lake, clock=lambda: MONDAY))
    meet(home, MONDAY, row=1)
    return home


def meet(home: Home, when: datetime, row: int) -> None:
    """User 1 meets item 7."""
    seen = {USER_ID: 1, ITEM_ID: 7, "timestamp": when, AVAILABLE_AT: when, "source_file": "a.csv", "source_row": row}
    home.lake.append(INTERACTIONS, pl.DataFrame([seen], schema=home.lake.schema(INTERACTIONS)))


def start(home: Home, request: Request = REQUEST, config: NightConfig = CONFIG, manifest: Manifest = MANIFEST) -> Night:
    night = resolve_night(home, manifest, config, request)
    assert isinstance(night, Night)
    return night


def draft(night: Night, **fields: Any) -> Draft:
    identity = night.identity
    known = {"release_id": identity.release_id, "as_of": identity.as_of, "run_key": identity.run_key}
    known |= {"recipe": POPULARITY, "config": night.config.model_dump(mode="json"), "gates": {"tuned": night.tune}}
    return Draft.model_validate({**known, **fields})


def publish(night: Night, **fields: Any) -> Release:
    """The release of a night that was published and then killed before it closed."""
    if not night.moves_pointer:
        return night.home.releases.backfill(draft(night, **fields))
    return night.home.releases.publish(draft(night, **fields), night.base_version)


def finish(night: Night, **fields: Any) -> Release:
    release = publish(night, **fields)
    night.close()
    return release


def statuses(home: Home) -> list[str]:
    return [row.status for row in home.releases.history()]


def left_over(home: Home) -> list[str]:
    return sorted(path.name for path in home.paths.nights.glob("*"))


Change = Callable[[Home], Night]
CHANGES: dict[str, Change] = {
    "T": lambda home: start(home, replace(REQUEST, as_of=MONDAY + timedelta(seconds=1))),
    "code": lambda home: start(home, replace(REQUEST, code="other")),
    "environment": lambda home: start(home, replace(REQUEST, environment="other")),
    "configuration": lambda home: start(home, config=NightConfig(k=49)),
    "hyper-parameter": lambda home: start(home, config=NightConfig(params={"ease": {"l2": 1.0}})),
    "manifest": lambda home: start(home, manifest=MANIFEST.model_copy(update={"history": False})),
    "data": lambda home: (meet(home, MONDAY, row=2), start(home))[1],
}
