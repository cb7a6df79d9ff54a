"""Delta tables below one folder, written only in the shape that `columns.py` gives them."""

import os
import re
import shutil
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from nightschool.columns import RELEASE_ID, Table
from nightschool.errors import Moved, NightschoolError, Unavailable
from nightschool.storage.delta_files import (
    commit,
    commit_after,
    has_table,
    new_file,
    release_of,
    scan_rows,
    scan_table,
    table_files,
    write_rows,
)
from nightschool.storage.dtypes import check_dtypes
from nightschool.storage.durable import sync_tree
from nightschool.storage.replica import Replica
from nightschool.storage.staging import Spool
from nightschool.storage.table_cache import TableCache

UNREADABLE = (DeltaError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What reading a damaged table raises; over a file that was cut short, polars panics."""

_RELEASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Lake:
    """The tables of one home, whose external ids have one dtype for users and one for items.

    Args:
        root: The folder of the tables.
        user_id: The dtype of external user ids.
        item_id: The dtype of external item ids.
        keep_bytes: Size of a table's files up to which `scan` keeps the table in memory; 0: none.
        replica: Where fenced commits are shared with other machines; None: nowhere.
    """

    def __init__(
        self,
        root: Path,
        user_id: pl.DataType,
        item_id: pl.DataType,
        keep_bytes: int = 0,
        replica: Replica | None = None,
    ) -> None:
        self.root, self.user_id, self.item_id = root, user_id, item_id
        self.replica = replica
        self._cache = TableCache(keep_bytes)

    def schema(self, table: Table) -> pl.Schema:
        """Return the columns that every frame of the table has in this home."""
        return table.schema(user_id=self.user_id, item_id=self.item_id)

    def exists(self, table: Table) -> bool:
        """Return whether anything was ever committed to the table."""
        return has_table(self._path(table))

    def version(self, table: Table) -> int | None:
        """Return the table's newest commit, counted from 0; None when it does not exist."""
        return DeltaTable(self._path(table)).version() if self.exists(table) else None

    def scan(self, table: Table, release_id: str | None = None) -> pl.LazyFrame:
        """Scan the table's current rows, or those of one release; empty when the table does not exist.

        Columns come in the table's order, those that a dataset or recipe added after them.
        """
        schema = pl.Schema({**self.schema(table), **table.optional})
        if not self.exists(table):
            return pl.LazyFrame(schema=schema)
        stored = DeltaTable(self._path(table))
        frame = scan_table(stored, release_id) if table.released else self._cache.scan(stored)
        present = frame.collect_schema().names()
        lacking = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in present]
        extra = [name for name in present if name not in schema]
        return frame.with_columns(lacking).select(*schema, *extra)

    def append(self, table: Table, frame: pl.DataFrame | pl.LazyFrame) -> None:
        """Add rows in one commit; those of a lazy frame stream through.

        Raises:
            NightschoolError: A column is missing, unknown or of another dtype.
        """
        schema = frame.collect_schema()
        self._check(table, schema)
        if not table.released:
            commit(self._path(table), schema, write_rows(self._path(table), frame.lazy(), None))
            return
        for release_id in frame.lazy().select(pl.col(RELEASE_ID).unique()).collect()[RELEASE_ID]:
            self._exchange(table, release_id, frame.lazy().filter(pl.col(RELEASE_ID) == release_id), [])

    def spool(self, name: str) -> Spool:
        """Create an empty spool for incoming rows, next to the tables: it must not make the lake exist."""
        return Spool(self._incoming / name)

    def clear_spools(self) -> None:
        """Delete all spools, with what an ingest that was killed left there."""
        shutil.rmtree(self._incoming, ignore_errors=True)

    def append_after(self, table: Table, frame: pl.DataFrame, base: int | None) -> int:
        """Add rows in the commit right after version `base` (None: no table yet); return the commit's version.

        Where the home is a replica, all else that was written is put into the store before, and the commit last.

        Raises:
            Moved: Somebody committed since `base`, on any machine; nothing was added.
            NightschoolError: A column is missing, unknown or of another dtype.
        """
        self._check(table, frame.schema)
        if self.replica is not None:
            self.replica.push_files()
        written = write_rows(self._path(table), frame.lazy(), None)
        try:
            commit_after(self._path(table), frame.schema, written, base)
        except DeltaError as error:
            for file in written:
                file.unlink()
            if self.version(table) == base:
                raise
            raise Moved(
                f"table {table.name} moved on from version {base}",
                seen=f"version {self.version(table)}",
                do="read it again and retry",
            ) from error
        if self.replica is not None:
            self.replica.push_releases()
        return 0 if base is None else base + 1

    def delete(self, table: Table, where: pl.Expr) -> None:
        """Delete the rows for which the expression is true; a file without such rows stays as it is."""
        if not self.exists(table):
            return
        path = self._path(table)
        stored = DeltaTable(path)
        rows = {file: scan_rows(stored, [file]) for file in table_files(stored)}
        old = [file for file, held in rows.items() if held.filter(where).select(pl.len()).collect().item()]
        new: list[Path] = []
        for file in old:
            kept = rows[file].filter(where.fill_null(value=False).not_())
            new += (
                write_rows(path, kept.drop(RELEASE_ID), release_of(file))
                if table.released
                else write_rows(path, kept, None)
            )
        if old:
            commit(path, pl.Schema(), new, old)

    def overwrite(self, table: Table, frame: pl.LazyFrame) -> None:
        """Replace the table's rows by the frame in one commit; the frame may be a scan of the table itself.

        Raises:
            NightschoolError: A column is missing, unknown or of another dtype.
        """
        self._check(table, frame.collect_schema())
        commit(self._path(table), frame.collect_schema(), write_rows(self._path(table), frame, None), self.files(table))

    def replace_release(self, table: Table, release_id: str, frame: pl.DataFrame | pl.LazyFrame) -> None:
        """Replace the table's rows of one release by the frame, in one commit.

        The rows of a lazy frame stream through.

        Raises:
            NightschoolError: A malformed release id, a row of another release, or a column that is missing, unknown
                or of another dtype.
        """
        _require_release_id(release_id)
        self._check(table, frame.collect_schema())
        others = frame.lazy().select(RELEASE_ID).filter(pl.col(RELEASE_ID).ne_missing(release_id)).collect()
        if others.height:
            raise NightschoolError(
                f"{others.height} rows for release {release_id} of {table.name} belong to another release",
                seen=others[RELEASE_ID][0],
                do="write one release at a time",
            )
        self._exchange(table, release_id, frame.lazy(), self.files(table, release_id))

    def take_release(self, table: Table, release_id: str, files: list[Path]) -> None:
        """Replace the table's rows of one release by copies of Parquet files, in one commit.

        The files hold all columns but the release's id; nothing in them is decoded or encoded.

        Raises:
            NightschoolError: A malformed release id, or a column that is missing, unknown or of another dtype.
        """
        _require_release_id(release_id)
        rows = pl.scan_parquet(files, glob=False, hive_partitioning=False).with_columns(
            pl.lit(release_id).alias(RELEASE_ID)
        )
        self._check(table, rows.collect_schema())
        path = self._path(table)
        taken = [Path(shutil.copyfile(file, new_file(path, release_id))) for file in files]
        commit(path, rows.collect_schema(), taken, self.files(table, release_id), released=True)

    def drop_release(self, table: Table, release_id: str) -> None:
        """Delete one release's rows from the table and their files from the disk."""
        _require_release_id(release_id)
        if gone := self.files(table, release_id):
            commit(self._path(table), pl.Schema(), [], gone)
        folder = self._path(table) / f"{RELEASE_ID}={release_id}"
        if folder.exists():
            shutil.rmtree(folder)

    def files(self, table: Table, release_id: str | None = None) -> list[Path]:
        """List the Parquet files of the table, or of one release; they do not hold the release's id."""
        return table_files(DeltaTable(self._path(table)), release_id) if self.exists(table) else []

    def releases(self, table: Table) -> set[str]:
        """List the releases that have files of the table on the disk, committed or not."""
        return {path.name.partition("=")[2] for path in self._path(table).glob(f"{RELEASE_ID}=*")}

    def purge(self, table: Table) -> None:
        """Delete from the disk what deleted rows have left: their files, and the log entries about them.

        The newest version stays as it is, and its log begins with a checkpoint. A reader that is reading the table just
        then may miss a file and must read it again.
        """
        if not self.exists(table):
            return
        stored = DeltaTable(self._path(table))
        stored.create_checkpoint()
        self.sync(table)
        newest = f"{stored.version():020}"
        live = {file.name for file in table_files(stored)}
        live |= {f"{newest}.json", f"{newest}.checkpoint.parquet", "_last_checkpoint"}
        for path in sorted(self._path(table).rglob("*")):
            if path.is_file() and path.name not in live:
                path.unlink()

    def compact(self, table: Table, most: int) -> None:
        """Join the table's files once there are more than `most`; what readers may still read stays for a week."""
        files = self.files(table)
        if len(files) <= most:
            return
        path = self._path(table)
        stored = DeltaTable(path)
        commit(path, pl.Schema(), write_rows(path, scan_rows(stored, files), None), files, changes=False)
        DeltaTable(path).vacuum(dry_run=False)

    def trim_log(self, table: Table) -> None:
        """Remove entries of the table's log that are older than a month and that a checkpoint sums up."""
        if self.exists(table):
            stored = DeltaTable(self._path(table))
            stored.create_checkpoint()
            stored.cleanup_metadata()

    def sync(self, table: Table) -> None:
        """Wait until the table's files and its log are on the disk, which a Delta commit does not do."""
        if self._path(table).exists():
            sync_tree(self._path(table))

    @property
    def _incoming(self) -> Path:
        return self.root.with_name("incoming")

    def _exchange(self, table: Table, release_id: str, rows: pl.LazyFrame, old: list[Path]) -> None:
        path = self._path(table)
        new = write_rows(path, rows.drop(RELEASE_ID), release_id)
        commit(path, rows.collect_schema(), new, old, released=True)

    def _path(self, table: Table) -> Path:
        return self.root / table.name

    def _check(self, table: Table, given: pl.Schema) -> None:
        if self.root.exists() and not os.access(self.root, os.W_OK):
            # Found out by Delta, it panics on the screen.
            do = "mount them for writing, or choose another home with --home"
            raise Unavailable("the tables cannot be written", seen=str(self.root), do=do)
        schema = self.schema(table)
        present = pl.Schema(DeltaTable(self._path(table)).schema()) if self.exists(table) else pl.Schema()
        stored = pl.Schema({**table.optional, **present, **schema})
        missing = [name for name in schema if name not in given]
        extra = [name for name in given if name not in stored]
        if missing or (extra and not table.open):
            raise NightschoolError(
                f"table {table.name} lacks columns {missing} and does not know columns {[] if table.open else extra}",
                seen=list(given),
                do=f"give it {list(schema)}",
            )
        check_dtypes(table, given, stored)


def _require_release_id(release_id: str) -> None:
    if not _RELEASE_ID.fullmatch(release_id):
        raise NightschoolError("malformed release id", seen=release_id, do="use letters, digits, '-', '_' and '.'")
