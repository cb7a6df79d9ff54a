"""A trial ingest of a manifest's files into a temporary home: what would be accepted and refused."""

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from nightschool.columns import (
    AVAILABLE_AT,
    INTERACTIONS,
    ITEMS,
    REVISION,
    SOURCE_FILE,
    SOURCE_ROW,
    USERS,
    WITHDRAWN,
    Table,
)
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.data.normalization.id_types import infer_id_dtypes
from nightschool.errors import NightschoolError, NotFound
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from nightschool.settings import HomePaths
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.table import count_reasons, quarantined

_SAMPLE: Final = 3
_OWN: Final = frozenset((AVAILABLE_AT, WITHDRAWN, REVISION, SOURCE_FILE, SOURCE_ROW))
"""Columns that do not come from files."""


def check_manifest(name: str, source_root: Path) -> dict[str, Any]:
    """Ingest a manifest's files into a temporary home; report what was accepted and refused, and the first rows.

    The temporary home is removed.

    Raises:
        NotFound: There is no such folder.
        ManifestError: The manifest is malformed.
    """
    manifest = load_manifest(name)
    if not source_root.is_dir():
        raise NotFound("no such source folder", seen=str(source_root), do="give --source-root an existing folder")
    found: dict[str, Any] = {"ids": None, "tables": {}, "files": [], "quarantine": [], "samples": {}, "warnings": []}
    with TemporaryDirectory(prefix="nightschool-check-") as folder:
        try:
            _try(manifest, source_root.absolute(), Path(folder), found)
        except NightschoolError as refusal:
            return {**found, "refusal": str(refusal)}
    return {**found, "refusal": None}


def _try(manifest: Manifest, source_root: Path, folder: Path, found: dict[str, Any]) -> None:
    """Ingest into a folder, and add each result to `found` as soon as it is known."""
    types = infer_id_dtypes(manifest, source_root)
    found["ids"] = {"user": str(types.user), "item": str(types.item)}
    lake, now = Lake(HomePaths(folder).lake, types.user, types.item), datetime.now(UTC)
    checks = import_module("expectations.validation")
    report = ingest(IngestContext(manifest, source_root, lake, Ledger(lake, now), checks, now, now))
    found["tables"], found["files"] = report.to_dict(), report.files_to_dict()
    found["warnings"] = list(report.warnings)
    found["quarantine"] = count_reasons(quarantined(lake)).to_dicts()
    found["samples"] = {table.name: _first_rows(lake, table) for table in (INTERACTIONS, USERS, ITEMS)}


def _first_rows(lake: Lake, table: Table) -> list[dict[str, Any]]:
    """Return the first rows of a table, without the columns that are empty."""
    rows = lake.scan(table).head(_SAMPLE).collect()
    filled = [name for name in rows.columns if name not in _OWN and rows[name].null_count() < rows.height]
    return rows.select(filled).to_dicts()
