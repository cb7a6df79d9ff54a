"""A home in which three users are named everywhere that a user can be, and two releases that name them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    CANDIDATE_SCORES,
    HISTORIES,
    INTERACTIONS,
    ITEMS,
    QUARANTINE,
    RECOMMENDATIONS,
    RELEASE_TABLES,
    SHOWN,
    SIMILAR_USERS,
    USERS,
    Table,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding
from nightschool.storage.erasure_log import UserId
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Draft, Releases
from nightschool.storage.serving_files import SERVED, write_serving_files

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
RELEASES = ("2024-05-06-aaaaaaaa", "2024-05-07-bbbbbbbb")
MANIFEST = Manifest.model_validate(
    {
        "name": "users",
        "score": "implicit",
        "interactions": {"files": ["log.csv"], "user": "who", "item": "what"},
        "users": {"files": ["users.csv"], "id": "id"},
    }
)


class Users(NamedTuple):
    """The external ids of those who are named."""

    gone: UserId
    near: UserId
    other: UserId


NUMBERS = Users(7_309_151_264_807, 12, 13)
TEXTS = Users("lærner-'32\"zq", "u1", "u10")


def users_home(root: Path, users: Users) -> Home:
    """Everybody has met items, has lists in two releases and rows in quarantine; `gone` is everybody's neighbour."""
    paths = HomePaths(root)
    kind = "Int64" if isinstance(users.gone, int) else "String"
    binding = Binding(dataset="users", manifest="users", source_root=root, user_id=kind, item_id="Int64")
    lake = Lake(paths.lake, binding.user_dtype, binding.item_dtype)
    home = Home(paths, binding, lake, Releases(lake, clock=lambda: NOON))
    for file, user in enumerate(users):
        write(home, USERS, [{"user_id": user, "available_at": NOON}])
        met = {"timestamp": NOON, "available_at": NOON, "revision": 0, "source_file": f"{file}.csv"}
        write(home, INTERACTIONS, [{"user_id": user, "item_id": i, **met, "source_row": i} for i in (1, 2)])
    write(home, ITEMS, [{"item_id": 1, "available_at": NOON}])
    write(home, QUARANTINE, [quarantined(row, {"who": str(p), "what": ""}) for row, p in enumerate(users)])
    write(home, SHOWN, [shown_row(f"list of {user}", user) for user in (*users, None)])
    for release_id in RELEASES:
        publish(home, release_id, users)
    return home


def shown_row(list_id: str, user_id: UserId | None) -> dict[str, Any]:
    about = {"list_id": list_id, "user_id": user_id, "item_id": 1, "place": 1, "scenario": "", "arms": "{}"}
    return {**about, "release_id": RELEASES[0], "tuned": False, "shown_at": NOON, "times": 1}


def write(home: Home, table: Table, rows: list[dict[str, Any]]) -> None:
    home.lake.append(table, pl.DataFrame(rows, schema=home.lake.schema(table)))


def quarantined(row: int, fields: dict[str, Any], table: Table = INTERACTIONS, **more: str) -> dict[str, Any]:
    place = {"table": table.name, "source_file": "bad.csv", "source_row": row, "quarantined_at": NOON}
    return {**place, "reason": "missing_item", "row": json.dumps(fields, ensure_ascii=False), **more}


def rows_of(users: Users) -> dict[str, list[dict[str, Any]]]:
    """What a release says of these users, by table."""
    lists = [{"user_id": p, "item_id": item, "rank": item, "score": 1.0 / item} for p in users for item in (1, 2, 3)]
    pairs = [(users.gone, users.near), (users.near, users.gone), (users.near, users.other)]
    alike = {user: [neighbor for one, neighbor in pairs if one == user] for user, _ in pairs}
    return {
        RECOMMENDATIONS.name: lists,
        HISTORIES.name: [{"user_id": p, "item_id": i, "score": 1.0, "timestamp": NOON} for p in users for i in (5, 6)],
        CANDIDATE_SCORES.name: [{"user_id": p, "item_id": 4, "ease": 0.5} for p in users],
        SIMILAR_USERS.name: [
            {"user_id": user, "neighbor_id": neighbor, "method": "co_engagement", "rank": rank, "support": 2}
            for user, neighbors in alike.items()
            for rank, neighbor in enumerate(neighbors, start=1)
        ],
        AUDIENCE_RECOMMENDATIONS.name: [{"audience": "everyone", "item_id": 1, "rank": 1, "score": 3.0}],
    }


def publish(home: Home, release_id: str, users: Users) -> None:
    """A release with its tables and lists, current from now on."""
    frames = [(table, _frame(home, table, release_id, users)) for table in (*RELEASE_TABLES, HISTORIES)]
    for table, frame in frames:
        if table in RELEASE_TABLES:
            home.lake.replace_release(table, release_id, frame)
        if table in SERVED:
            write_serving_files(home.paths.serving, release_id, {table.name: frame.lazy()})
    draft = Draft(
        release_id=release_id,
        as_of=NOON,
        run_key=release_id,
        content_hashes={table.name: content_hash(frame, table) for table, frame in frames},
        row_counts={table.name: frame.height for table, frame in frames},
    )
    home.releases.publish(draft, home.releases.version())


def _frame(home: Home, table: Table, release_id: str, users: Users) -> pl.DataFrame:
    schema = {**home.lake.schema(table), **({"ease": pl.Float32()} if table is CANDIDATE_SCORES else {})}
    rows = rows_of(users).get(table.name, [])
    named = {"release_id": release_id} if table.released else {}
    return pl.DataFrame([{**named, **row} for row in rows], schema=schema)
