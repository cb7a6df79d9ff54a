"""What went into a release and what came out of it, as hashes that mean the same content."""

import hashlib
import json
import platform
import re
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from nightschool.columns import RELEASE_ID, Table

SOURCE_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("nightschool", "models", "expectations", "tasks", "flows")
_SUFFIXES = {".py", ".toml"}
_BLAS_FACTS = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
_REQUIREMENT = re.compile(r"^[A-Za-z0-9._-]+", re.MULTILINE)
_BLOCK_ROWS = 1 << 22


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...


def content_hash(frame: pl.DataFrame | pl.LazyFrame, table: Table) -> str:
    """Hash the rows as a set of values; SHA-256 in hexadecimal.

    Neither the order of rows and columns, nor chunks, nor how text is encoded in memory matter; -0.0 is 0.0 and all
    NaN are one. Nulls, empty text and empty lists differ. The table's `local` columns do not count, nor do columns
    that another release added to an open table and this one leaves empty. Rows that come in the order of the table's
    key are not sorted again. A lazy frame is read column by column, so that a long log need not fit in memory; it must
    give its rows in one order each time.
    """
    rows = _canonical(frame.lazy(), table)
    places = _places(rows, table.key)
    digest = hashlib.sha256(f"{table.name}\0{rows.select(pl.len()).collect().item()}".encode())
    for name in rows.collect_schema().names():
        column = rows.select(name).collect().to_series()
        column = column if places is None else column.gather(places)
        digest.update(f"\0{column.name}\0{column.dtype}\0".encode())
        for start in range(0, len(column), _BLOCK_ROWS):
            _update(digest, column.slice(start, _BLOCK_ROWS))
    return digest.hexdigest()


def data_fingerprint(hashes: Mapping[str, str]) -> str:
    """Combine the content hashes of several tables, by name, into one in hexadecimal."""
    return _hash_json(hashes)


def code_version(root: Path = SOURCE_ROOT) -> str:
    """Hash the source files below the repository root; works in a dirty tree and without git."""
    digest = hashlib.sha256()
    paths = (path for package in _PACKAGES for path in (root / package).rglob("*") if path.suffix in _SUFFIXES)
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def environment() -> dict[str, Any]:
    """Describe what the same seed needs for the same bits: interpreter, packages, processor, linear algebra.

    SQLite writes its version into files. The packages are the direct dependencies of the installed project, and those
    of its extras that are installed.
    """
    names = _REQUIREMENT.findall("\n".join(requires("nightschool") or ()))
    found = {name: _version(name) for name in sorted(names)}
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "machine": platform.machine(),
        "packages": {name: number for name, number in found.items() if number is not None},
        "processor": _processor(),
        "linear_algebra": _linear_algebra(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def environment_fingerprint(described: Mapping[str, Any]) -> str:
    """Hash what `environment` describes, in hexadecimal."""
    return _hash_json(described)


def basis_fingerprint(parts: Mapping[str, Any]) -> str:
    """Hash what a manifest says about scoring, in hexadecimal."""
    return _hash_json(parts)


def run_key(*, data: str, as_of: datetime, config: Mapping[str, Any], code: str, environment: str) -> str:
    """Hash a night's inputs to its key, in hexadecimal: equal inputs give equal keys.

    `data`, `code` and `environment` are fingerprints; `config` holds what JSON can hold.
    """
    return _hash_json([data, as_of.astimezone(UTC).isoformat(), config, code, environment])


def release_id(as_of: datetime, key: str) -> str:
    """Name the release of a run key: the UTC date of T and the key's first eight characters."""
    return f"{as_of.astimezone(UTC):%Y-%m-%d}-{key[:8]}"


def _hash_json(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _processor() -> dict[str, str]:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return {"model": platform.processor(), "features": ""}
    first = cpuinfo.read_text(encoding="utf-8").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    described = {name.strip(): value.strip() for name, _, value in pairs}
    features = " ".join(sorted(described.get("flags", described.get("Features", "")).split()))
    return {"model": described.get("model name", ""), "features": hashlib.sha256(features.encode()).hexdigest()[:16]}


def _linear_algebra() -> list[dict[str, Any]]:
    # Only libraries that are loaded are found, and SciPy brings its own.
    import_module("scipy.linalg")
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    described = [{name: library.get(name) for name in _BLAS_FACTS} for library in found]
    return sorted(described, key=lambda library: json.dumps(library, sort_keys=True))


def _canonical(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    given = frame.collect_schema().names()
    local = (*table.local, RELEASE_ID)
    counted = [name for name in table.columns if name not in local and name in given]
    added = sorted(name for name in given if name not in table.columns)
    if added:
        filled = frame.select(pl.col(added).is_not_null().any()).collect().row(0)
        added = [name for name, is_filled in zip(added, filled, strict=True) if is_filled]
    return frame.select(pl.col(*counted, *added)).cast({pl.Categorical: pl.String, pl.Enum: pl.String})


def _places(rows: pl.LazyFrame, key: tuple[str, ...]) -> pl.Series | None:
    """Return the places that sort the rows by the key; None where they are sorted."""
    keys = rows.select(key).collect()
    if is_ascending(keys, key):
        return None
    places = keys.select(pl.arg_sort_by(key)).to_series()
    if is_ascending(keys.select(pl.all().gather(places)), key):
        return places
    # Rows that share a key, or have none, need a place of their own too.
    others = [name for name in rows.collect_schema().names() if name not in key]
    return rows.select(pl.arg_sort_by(*key, *others)).collect().to_series()


def is_ascending(frame: pl.DataFrame, key: tuple[str, ...]) -> bool:
    """Return whether each row's key is greater than that of the row before, which nulls never are."""
    ascending = pl.lit(value=False)
    for name in reversed(key):
        value, before = pl.col(name), pl.col(name).shift(1)
        ascending = (value > before) | ((value == before) & ascending)
    return bool(frame.select(ascending.fill_null(value=False).slice(1).all()).item())


def _update(digest: _Hash, column: pl.Series) -> None:
    digest.update(column.is_null().cast(pl.UInt8).to_numpy())
    if isinstance(column.dtype, pl.List):
        lengths = column.list.len().fill_null(0)
        digest.update(lengths.to_numpy())
        _update(digest, column.filter(lengths > 0).explode())
    elif isinstance(column.dtype, pl.String):
        digest.update(column.str.len_bytes().fill_null(0).to_numpy())
        digest.update(column.fill_null("").str.join("").item().encode())
    elif isinstance(column.dtype, pl.Boolean):
        digest.update(column.cast(pl.UInt8).fill_null(0).to_numpy())
    else:
        digest.update(_one_zero_one_nan(column.to_physical().fill_null(0).to_numpy()))


def _one_zero_one_nan(values: NDArray[Any]) -> NDArray[Any]:
    if not np.issubdtype(values.dtype, np.floating):
        return values
    values = values + 0.0
    values[np.isnan(values)] = np.nan
    return values
