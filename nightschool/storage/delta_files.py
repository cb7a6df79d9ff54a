"""The Parquet files of a Delta table, written and read below any path.

polars writes and reads the files, and delta-rs keeps the log alone: its writers make a host name of the path and panic
over `[`, `]`, `^` and `|`, and polars' own reader of Delta takes paths for patterns.
"""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from nightschool.columns import RELEASE_ID

_ONCE = CommitProperties(max_commit_retries=0)
_GROUP_ROWS = 1 << 20


def table_files(stored: DeltaTable, release_id: str | None = None) -> list[Path]:
    """Return the table's Parquet files, or those of one release; Delta names them by percent-encoded addresses."""
    of_release = None if release_id is None else [(RELEASE_ID, "=", release_id)]
    return [Path(unquote(uri)) for uri in stored.file_uris(file_pruning_predicate=of_release)]


def scan_table(stored: DeltaTable, release_id: str | None = None) -> pl.LazyFrame:
    """Return the rows of the version that is open, or those of one release."""
    return scan_rows(stored, table_files(stored, release_id))


def scan_rows(stored: DeltaTable, files: Iterable[Path]) -> pl.LazyFrame:
    """Return the rows that some of the table's files hold."""
    schema = pl.Schema(stored.schema())
    if not stored.metadata().partition_columns:
        return _scan_files(list(files), schema)
    columns = pl.Schema({name: dtype for name, dtype in schema.items() if name != RELEASE_ID})
    by_release: dict[str, list[Path]] = {}
    for file in files:
        by_release.setdefault(release_of(file), []).append(file)
    parts = [
        _scan_files(found, columns).with_columns(pl.lit(each).alias(RELEASE_ID)) for each, found in by_release.items()
    ]
    return pl.concat(parts).select(schema.names()) if parts else pl.LazyFrame(schema=schema)


def release_of(file: Path) -> str:
    """Return the release whose rows a file of a partitioned table holds."""
    return file.parent.name.partition("=")[2]


def new_file(root: Path, release_id: str | None) -> Path:
    """Return the path of a file of the table below `root` that is not there yet; its folder is."""
    folder = root if release_id is None else root / f"{RELEASE_ID}={release_id}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{uuid4()}.parquet"


def write_rows(root: Path, rows: pl.LazyFrame, release_id: str | None) -> list[Path]:
    """Stream rows into a new file, which no reader sees before it is committed; without rows there is no file.

    Nothing is left of a file that cannot be written.
    """
    file = new_file(root, release_id)
    try:
        rows.sink_parquet(file, compression="snappy", row_group_size=_GROUP_ROWS)
        if _rows_of(file):
            return [file]
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    file.unlink()
    return []


def commit(
    root: Path,
    schema: pl.Schema,
    added: Iterable[Path],
    removed: Iterable[Path] = (),
    *,
    released: bool = False,
    changes: bool = True,
) -> None:
    """Exchange files of the table below `root` in one commit, which makes the table where there is none.

    Args:
        root: The table's folder.
        schema: Columns of the rows that come in; the table gains those that it lacks, in a commit before.
        added: Files of `write_rows`.
        removed: Files of `table_files`; they stay on the disk for who is reading them.
        released: Whether a new table is partitioned by releases.
        changes: Whether the rows differ, and not just how they lie in files.
    """
    coming = [_adding(root, file, changes=changes) for file in added]
    if not has_table(root):
        create_table_with_add_actions(
            str(root), Schema.from_arrow(schema), coming, "error", [RELEASE_ID] if released else []
        )
        return
    stored = DeltaTable(root)
    stored_schema = pl.Schema(stored.schema())
    lacking = pl.Schema({name: dtype for name, dtype in schema.items() if name not in stored_schema})
    if lacking:
        stored.alter.add_columns(Schema.from_arrow(lacking).fields)
    now_ms = time.time_ns() // 1_000_000
    _write(stored, [*coming, *(_removing(root, file, now_ms, changes=changes) for file in removed)])


def added_files(root: Path, entry: Path) -> list[Path]:
    """Return the files that a commit adds to the table below `root`, as its entry in the log names them."""
    actions = (json.loads(line) for line in entry.read_text(encoding="utf-8").splitlines() if line)
    return [root / unquote(action["add"]["path"]) for action in actions if "add" in action]


def has_table(root: Path) -> bool:
    """Return whether anything was ever committed to the table below `root`."""
    return DeltaTable.is_deltatable(str(root))


def commit_nothing(root: Path) -> None:
    """Add a commit without files to the table below `root`: who prepared one for its number is refused."""
    _write(DeltaTable(root), [])


def commit_after(root: Path, schema: pl.Schema, added: list[Path], base: int | None) -> None:
    """Add files in the commit that directly follows version `base`; None makes the table.

    Raises:
        DeltaError: Somebody committed since.
    """
    coming = [_adding(root, file) for file in added]
    if base is None:
        create_table_with_add_actions(
            str(root), Schema.from_arrow(schema), coming, "error", [], commit_properties=_ONCE
        )
    else:
        _write(DeltaTable(root, version=base), coming, _ONCE)


def _write(
    stored: DeltaTable, actions: Sequence[AddAction | RemoveAction], how: CommitProperties | None = None
) -> None:
    partitions = stored.metadata().partition_columns
    stored.create_write_transaction(list(actions), "append", stored.schema(), partitions, commit_properties=how)


def _adding(root: Path, file: Path, *, changes: bool = True) -> AddAction:
    about = file.stat()
    return AddAction(
        path=str(file.relative_to(root)),
        size=about.st_size,
        partition_values=_partition(root, file),
        modification_time=about.st_mtime_ns // 1_000_000,
        data_change=changes,
        stats=json.dumps({"numRecords": _rows_of(file)}),
    )


def _removing(root: Path, file: Path, now_ms: int, *, changes: bool) -> RemoveAction:
    place = root.resolve()
    size = file.stat().st_size if file.exists() else None
    return RemoveAction(str(file.relative_to(place)), changes, now_ms, size, _partition(place, file))


def _partition(root: Path, file: Path) -> dict[str, str | None]:
    return {} if file.parent == root else {RELEASE_ID: release_of(file)}


def _rows_of(file: Path) -> int:
    rows = pl.scan_parquet(file, glob=False, hive_partitioning=False)
    count: int = rows.select(pl.len()).collect().item()
    return count


def _scan_files(files: list[Path], schema: pl.Schema) -> pl.LazyFrame:
    if not files:
        return pl.LazyFrame(schema=schema)
    options: dict[str, Any] = {"missing_columns": "insert", "extra_columns": "ignore"}
    return pl.scan_parquet(files, schema=schema, glob=False, hive_partitioning=False, **options)
