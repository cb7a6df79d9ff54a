"""A home whose three nights published a few rows each, for what operators look at."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.columns import ITEMS, METRICS, QUARANTINE, RECOMMENDATIONS, RELEASE_ID, SOURCES, USER_ID, Table
from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding, bind
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Draft, Releases

FIRST, SECOND, THIRD = "2026-11-25-aaaaaaaa", "2026-11-26-bbbbbbbb", "2026-11-27-cccccccc"
READ = datetime(2026, 11, 27, 1, 30, tzinfo=UTC)
ODD = '<b>"odd"</b> & שלום'
LISTS = {
    FIRST: {1: [1, 2, 3], 2: [1, 2, 3], 3: [4]},
    SECOND: {1: [1, 2, 3], 2: [1, 2, 3], 3: [4]},
    THIRD: {1: [1, 2, 3], 2: [2, 1, 5], 4: [4]},
}
"""Release to user to items by rank."""

MANIFEST = """name = "d"
score = "rating"
[interactions]
files = ["events.csv"]
user = "user"
item = "item"
rating = { column = "rating", min = 1, max = 5 }
"""

_GATES = [
    {"name": "learnable", "passed": True, "seen": "+0.08 [+0.06, +0.09]", "demanded": "lower bound > 0"},
    {"name": "superior", "passed": False, "seen": "+0.00 [-0.01, +0.01]", "demanded": "lower bound > 0"},
]
SHIFT = {
    "metric": "gini",
    "split": "all",
    "segment": "all",
    "words": "gini@10 of the lists",
    "seen": 0.912345,
    "expected": 0.6,
    "low": -0.1,
    "high": 0.7,
    "span": 1,
    "nights": 3,
}
GAP = {"segment": "audience:<new>", "n_users": 1200, "difference": -0.02, "ci_low": -0.03, "ci_high": -0.01}
_RECIPE = {"components": [{"model": "ease", "params": {}, "weight": 1.0}], "alpha": None, "reranker": None}


def make_nights(root: Path) -> Lake:
    """The home's tables, three releases in them, the third current."""
    paths = HomePaths(root)
    root.mkdir(parents=True, exist_ok=True)
    manifest = root / "d.toml"
    manifest.write_text(MANIFEST, encoding="utf-8")
    binding = Binding(dataset="d", manifest=str(manifest), source_root=root, user_id="Int64", item_id="Int64")
    bind(paths.binding, binding)
    lake = Lake(paths.lake, pl.Int64(), pl.Int64())
    _append(lake, ITEMS, [{"item_id": 5, "title": ODD, "available_at": READ}])
    _append(lake, SOURCES, [{"file": "events.csv", "rows": 9, "read_at": READ}])
    put_aside = {"table": "interactions", "source_file": "events.csv", "quarantined_at": READ}
    row = json.dumps({"user": ODD, "item": "5", "rating": "4"}, ensure_ascii=False)
    rows = [{**put_aside, "source_row": n, "reason": "bad_user", "detail": ODD, "row": row} for n in (1, 2)]
    lacking = json.dumps({"user": "1", "item": None, "rating": "=4"})
    rows += [{**put_aside, "source_row": 3, "reason": "missing_item", "row": lacking}]
    _append(lake, QUARANTINE, rows)
    for number, release_id in enumerate(LISTS):
        publish(lake, release_id, number)
    return lake


def publish(lake: Lake, release_id: str, number: int) -> None:
    """One night's release."""
    lists = [
        {"user_id": user, "item_id": item, "rank": rank, "score": 1.0, "source": "ease", "reason": "popular"}
        for user, items in LISTS[release_id].items()
        for rank, item in enumerate(items, start=1)
    ]
    counts = {
        table.name: _replace(lake, table, release_id, rows)
        for table, rows in (
            (RECOMMENDATIONS, lists),
            (METRICS, metrics(number)),
        )
    }
    releases = Releases(lake, clock=lambda: datetime.now(UTC) - timedelta(hours=49 - 24 * number))
    draft = Draft(
        release_id=release_id,
        as_of=datetime.fromisoformat(release_id[:10]).replace(tzinfo=UTC),
        run_key=release_id,
        recipe=_RECIPE,
        row_counts=counts,
        gates={"asked": _GATES, "shifts": [SHIFT], "gaps": [{**GAP, "p_value": 0.001, "shown": True}]},
        reason=f"night {number} of <three>",
    )
    releases.publish(draft, releases.version())


def backfill(lake: Lake, release_id: str) -> str:
    """The release of a night that was missed, at noon of its day, without rows."""
    noon = datetime.fromisoformat(f"{release_id[:10]}T12:00:00+00:00")
    Releases(lake).backfill(Draft(release_id=release_id, as_of=noon, run_key=release_id, recipe=_RECIPE))
    return release_id


def metrics(number: int) -> list[dict[str, Any]]:
    """Rows of the metrics table of a night; the first one had no champion, coverage has no interval."""
    roles = {"challenger": 0.2, "popularity": 0.1, **({"champion": 0.19} if number else {})}
    about = {"split": "test", "segment": "all", "k": 10, "n_users": 100}
    rows = [
        {**about, "model": role, "metric": metric, "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01}
        for role, value in roles.items()
        for metric in ("ndcg", "recall")
    ]
    rows += [{**about, "model": role, "metric": "coverage", "value": value} for role, value in roles.items()]
    elsewhere = {"model": "ease", "metric": "ndcg", "value": 0.9}
    return [*rows, {**about, **elsewhere, "split": "validation"}, {**about, **elsewhere, "segment": "activity:new"}]


def _append(lake: Lake, table: Table, rows: list[dict[str, Any]]) -> None:
    lake.append(table, pl.DataFrame(rows, schema=lake.schema(table)))


def _replace(lake: Lake, table: Table, release_id: str, rows: list[dict[str, Any]]) -> int:
    frame = pl.DataFrame([{RELEASE_ID: release_id, **row} for row in rows], schema=lake.schema(table))
    lake.replace_release(table, release_id, frame.sort(table.key))
    return frame.height


def lists_of(lake: Lake, release_id: str) -> dict[int, list[int]]:
    """User to items by rank, as the table has them."""
    rows = lake.scan(RECOMMENDATIONS, release_id).sort(USER_ID, "rank").collect()
    return {int(user): part["item_id"].to_list() for (user,), part in rows.partition_by(USER_ID, as_dict=True).items()}
