"""A home in one file, consistent while it is served, and back from it into a new place."""

import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from nightschool.errors import ConfigurationError, DataRefused
from nightschool.settings import HomePaths
from nightschool.storage.durable import sync, sync_tree
from nightschool.storage.home_version import require_readable
from nightschool.storage.mlflow_addresses import relocate

_LOG: Final = "_delta_log"
_COMPRESSION: Final = zipfile.ZIP_DEFLATED
_LEVEL: Final = 1
_SQLITE_BEGINS: Final = b"SQLite format 3\0"
_SQLITE_COMPANIONS: Final = ("-wal", "-shm", "-journal")


def backup_home(paths: HomePaths, out: Path) -> int:
    """Return how many files of the home the new file `out` holds. Call it under the home's lock.

    Databases are copied by SQLite itself, so that whoever writes events or runs meanwhile does not disturb. Of a table
    the log comes before the files that it names: what is committed later is not part of the copy. Left out are the
    lock, logs, and what is being written. `out` is there whole or not at all, and for its owner alone.

    Raises:
        ConfigurationError: `out` exists or lies in the home, its folder does not exist, or the home holds a link.
    """
    _require_new(paths, out)
    with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        draft = Path(folder) / "backup.zip"
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600))
        files = sorted(_files(paths), key=lambda file: (_LOG not in file.parts, file))
        with zipfile.ZipFile(draft, "w", _COMPRESSION, compresslevel=_LEVEL, strict_timestamps=False) as archive:
            for file in files:
                source = _copied(file, Path(folder) / "copy.db") if _is_written(file, paths) else file
                archive.write(source, file.relative_to(paths.root).as_posix())
        sync(draft)
        draft.rename(out)
    sync(out.parent)
    return len(files)


def restore_home(file: Path, paths: HomePaths) -> int:
    """Return how many files of a backup are now the home, which must be new or empty; it is there whole or not at all.

    Raises:
        ConfigurationError: The home holds something, or a newer state of the code wrote the backup.
        DataRefused: The file is no backup of a home, or is damaged.
    """
    home = paths.root
    if home.exists() and any(home.iterdir()):
        do = "give --home a folder that is new or empty"
        raise ConfigurationError("a backup is restored into a new home only", seen=str(home), do=do)
    home.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{home.name}.", dir=home.parent) as folder:
        draft = HomePaths(Path(folder) / "home")
        try:
            with zipfile.ZipFile(file) as archive:
                names = _names(archive, file)
                for name in names:
                    _extract(archive, name, draft.root)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error) as error:
            raise _refused(file, str(error)) from error
        require_readable(draft)
        sync_tree(draft.root)
        draft.root.rename(home)
    sync(home.parent)
    relocate(paths.mlflow_database, paths.mlflow_artifacts)
    return len(names)


def _require_new(paths: HomePaths, out: Path) -> None:
    if not out.parent.is_dir():
        raise ConfigurationError("no such folder", seen=str(out.parent), do="create it first")
    if out.exists():
        raise ConfigurationError("the file is there already", seen=str(out), do="give another name")
    if out.resolve().is_relative_to(paths.root.resolve()):
        raise ConfigurationError("a backup in the home is lost with it", seen=str(out), do="give a file elsewhere")


def _files(paths: HomePaths) -> Iterator[Path]:
    """Yield the files that make the home.

    Raises:
        ConfigurationError: One is a link: what it leads to is not the home's.
    """
    for folder, folders, names in os.walk(paths.root):
        here = Path(folder)
        folders[:] = [name for name in folders if not name.startswith(".") and here / name not in _left_out(paths)]
        for path in (here / name for name in (*folders, *names)):
            if path.is_symlink():
                do = "put the files themselves in its place"
                raise ConfigurationError("a link in the home cannot be backed up", seen=str(path), do=do)
        for name in names:
            is_draft = name.startswith(".") or "#" in name or name.endswith((".tmp", *_SQLITE_COMPANIONS))
            if not is_draft and here / name not in _left_out(paths):
                yield here / name


def _left_out(paths: HomePaths) -> tuple[Path, ...]:
    return (paths.lock, paths.logs, paths.scratch)


def _is_written(file: Path, paths: HomePaths) -> bool:
    """Return whether a file is a database that others may write; a release's is not, and its hash is of its bytes."""
    if file.is_relative_to(paths.serving):
        return False
    with file.open("rb") as opened:
        return opened.read(len(_SQLITE_BEGINS)) == _SQLITE_BEGINS


def _copied(database: Path, target: Path) -> Path:
    """Return a copy of the database as it was at one instant, with its mode, in place of an earlier copy."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    shutil.copymode(database, target)
    return target


def _names(archive: zipfile.ZipFile, file: Path) -> list[str]:
    """Return the names of the files in a backup, each below the home."""
    names = archive.namelist()
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or name.endswith("/"):
            raise _refused(file, name)
    if "dataset.json" not in names and "events.db" not in names:
        raise _refused(file, f"{len(names)} files, and no dataset.json among them")
    return names


def _extract(archive: zipfile.ZipFile, name: str, root: Path) -> None:
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
    target.chmod((archive.getinfo(name).external_attr >> 16) & 0o777 or 0o600)


def _refused(file: Path, seen: str) -> DataRefused:
    return DataRefused(
        f"{file} is no whole backup of a home", seen=seen, do="give a file that `nightschool backup` made"
    )
