"""Checks of the installation and the home, one answer a question."""

import importlib.util
import os
import platform
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl
import psutil
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from nightschool.cli.night_checks import night_questions
from nightschool.cli.up import answers, repository_root
from nightschool.columns import METRICS, RELEASE_ID
from nightschool.errors import Busy, ConfigurationError, NightschoolError, NotFound, Unavailable
from nightschool.failures import explain
from nightschool.settings import Settings
from nightschool.spark_session import require_spark
from nightschool.sqlite import sqlite_path
from nightschool.storage.binding import find_binding
from nightschool.storage.lake import UNREADABLE, Lake
from nightschool.storage.lock import home_lock
from nightschool.storage.releases import Release
from nightschool.storage.store import Store
from nightschool.storage.tracking_uri import without_credentials
from nightschool.storage.upkeep import BUDGET_BYTES, size_of_night, sizes

_PROJECT = "nightschool"
_FLOOR_GB = 1.0
_OTHER_HOME = "make it writable, or choose another with --home"
_GO_BACK = "go back to another release: nightschool releases list"


class Check(NamedTuple):
    """The answer to one question; `seen` ends with the next step if there is a problem."""

    name: str
    ok: bool
    seen: str


def questions(settings: Settings) -> dict[str, Callable[[], str]]:
    """Return every question by name, causes before consequences.

    Each returns what it saw, or raises a NightschoolError that names the next step.
    """
    paths = settings.paths
    return {
        "python": _python,
        "libraries": _libraries,
        "sources": _sources,
        "memory": _memory,
        "disk": lambda: _disk(paths.root),
        "home": lambda: _home(paths.root),
        "store": lambda: _store(paths.store),
        "spark": lambda: require_spark() if importlib.util.find_spec("pyspark") else "not installed (make spark)",
        "space": lambda: _space(settings),
        "lock": lambda: _lock(paths.lock),
        "dataset": lambda: _dataset(paths.binding),
        "erasure": lambda: _erasure(paths.erasure),
        "release": lambda: _release(settings),
        **night_questions(paths),
        "mlflow": lambda: _mlflow(settings),
        "prefect": _prefect,
    }


def ask(name: str, question: Callable[[], str]) -> Check:
    """Answer one question."""
    try:
        return Check(name, True, question())
    except NightschoolError as error:
        return Check(name, False, str(error))
    except (*UNREADABLE, sqlite3.Error) as error:
        unavailable = explain(error)
        if unavailable is not None:
            return Check(name, False, str(unavailable))
        return Check(name, False, f"{str(error).splitlines()[0]}; restore the home from a backup")


def _python() -> str:
    wanted = distribution(_PROJECT).metadata["Requires-Python"]
    running = platform.python_version()
    if running not in SpecifierSet(wanted):
        raise ConfigurationError(
            f"Python must be {wanted}", seen=running, do="make a new .venv: make install PYTHON=python3.11"
        )
    return running


def _libraries() -> str:
    declared = [Requirement(text) for text in distribution(_PROJECT).requires or []]
    requirements = [each for each in declared if not _is_left_out(each)]
    wrong = [problem for problem in map(_unmet, requirements) if problem]
    if wrong:
        raise ConfigurationError(
            "libraries do not have the required versions", seen=", ".join(wrong), do="run `make install`"
        )
    return f"{len(requirements)} as pyproject.toml wants them"


def _is_left_out(requirement: Requirement) -> bool:
    """Return whether a requirement is one of an extra that is not installed."""
    is_extra = requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})
    return is_extra and _installed(requirement) is None


def _unmet(requirement: Requirement) -> str | None:
    """Return what is wrong with the installation of a requirement, or None."""
    installed = _installed(requirement)
    if installed is None:
        return f"no {requirement.name}"
    return None if installed in requirement.specifier else f"{requirement.name} {installed} ({requirement.specifier})"


def _installed(requirement: Requirement) -> str | None:
    try:
        return version(requirement.name)
    except PackageNotFoundError:
        return None


def _sources() -> str:
    root = repository_root()
    packages = (distribution(_PROJECT).read_text("top_level.txt") or "").split()
    for package in packages:
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None or Path(found.origin).resolve().parents[1] != root:
            raise ConfigurationError(
                f"package {package} is not imported from {root}",
                seen=found.origin if found else None,
                do="run `make install`, and unset PYTHONPATH",
            )
    return f"{', '.join(packages)} of {root}"


def _memory() -> str:
    return _enough("memory", psutil.virtual_memory().available, do="end other programs")


def _disk(home: Path) -> str:
    return _enough("disk", shutil.disk_usage(_existing(home)).free, do="free some: nightschool releases prune --keep 5")


def _space(settings: Settings) -> str:
    parts = {name: size for name, size in sizes(settings.paths).items() if size}
    summary = f"{_megabytes(sum(parts.values()))}: " + ", ".join(
        f"{name} {_megabytes(part)}" for name, part in parts.items()
    )
    if parts.get("mlflow.db", 0) + parts.get("prefect", 0) > BUDGET_BYTES:
        do = "tidy them, while no server runs: nightschool releases prune"
        raise Unavailable("the databases of MLflow and Prefect are above 1 GB", seen=summary, do=do)
    release = _current(settings)
    return f"{summary}; a night adds {_megabytes(size_of_night(settings.paths, release))}" if release else summary


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"


def _enough(what: str, free_bytes: int, *, do: str) -> str:
    free = free_bytes / 2**30
    if free < _FLOOR_GB:
        raise ConfigurationError(f"less than {_FLOOR_GB:.0f} GB of {what} is free", seen=f"{free:.2f} GB", do=do)
    return f"{free:.1f} GB free"


def _home(home: Path) -> str:
    nearest = _existing(home)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise Unavailable("the home cannot be written", seen=str(nearest), do=_OTHER_HOME)
    if not home.exists():
        return f"{home} (the first ingest makes it)"
    _require_tables(home)
    return str(home)


def _require_tables(home: Path) -> None:
    """Write a table below the home and read it back."""
    with TemporaryDirectory(prefix=".doctor-", dir=home) as folder:
        lake = Lake(Path(folder), pl.Int64(), pl.Int64())
        row = pl.DataFrame(schema=lake.schema(METRICS)).clear(1).with_columns(pl.lit("doctor").alias(RELEASE_ID))
        lake.append(METRICS, row)
        lake.delete(METRICS, pl.col(RELEASE_ID) != "doctor")
        if not lake.scan(METRICS, "doctor").collect().equals(row):
            raise Unavailable(
                "a table below the home cannot be read back as it was written", seen=str(home), do=_OTHER_HOME
            )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _store(address: str) -> str:
    if not address:
        return "none: tables, models and served files are in the home alone"
    store = Store.at(address)
    store.require_conditional()
    return f"{address} can be written, and refuses to create what is there"


def _lock(path: Path) -> str:
    if not path.exists():
        return "free"
    try:
        with home_lock(path):
            return "free"
    except Busy as busy:
        return f"a night is running: {busy}"


def _dataset(path: Path) -> str:
    binding = find_binding(path)
    if binding is None:
        return "none yet: nightschool ingest --dataset NAME --source-root DIR"
    if not binding.source_root.is_dir():
        raise NotFound(
            f"the source folder of {binding.dataset} is gone",
            seen=str(binding.source_root),
            do="restore it, or name the new one with --source-root",
        )
    return f"{binding.dataset}, from {binding.source_root}"


def _erasure(path: Path) -> str:
    if path.exists():
        raise Busy("the erasure of a user is unfinished", do="run `nightschool forget` again, or a night")
    return "none under way"


def _release(settings: Settings) -> str:
    release = _current(settings)
    return f"{release.release_id} is current and whole" if release else "none yet: nightschool retrain"


def _current(settings: Settings) -> Release | None:
    """Return the current release after checking its row counts; None without one."""
    from nightschool.application.home import holds_data, open_home

    if not holds_data(settings.paths):
        return None
    home = open_home()
    try:
        release = home.releases.current()
        if release is not None:
            home.releases.require_whole(release)
    except UNREADABLE as error:
        raise NotFound("the release tables cannot be read", seen=str(error).splitlines()[0], do=_GO_BACK) from error
    return release


def _mlflow(settings: Settings) -> str:
    uri = without_credentials(settings.tracking_uri)
    _require_store(uri)
    release = _current(settings)
    if release is None:
        return f"{uri}, no model yet"
    from nightschool.application.home import open_home
    from nightschool.application.tracking import registry

    if not registry(open_home()).reconcile(release.release_id):
        raise NotFound(
            f"no registered model belongs to release {release.release_id}",
            do="the next night that publishes registers one",
        )
    return f"{uri}, the alias champion is at {release.release_id}"


def _require_store(uri: str) -> None:
    if uri.startswith("http") and not answers(f"{uri.rstrip('/')}/health"):
        raise NotFound("MLflow does not answer", seen=uri, do="start it, or unset NIGHTSCHOOL_MLFLOW_TRACKING_URI")
    database = sqlite_path(uri)
    if database is None or not database.exists():
        return
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("SELECT count(*) FROM experiments").fetchone()
    except sqlite3.DatabaseError as error:
        raise NotFound(f"MLflow's database {database} cannot be read", seen=str(error), do="restore it") from error


def _prefect() -> str:
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return "in-process: no server is needed, and none is set"
    if not answers(f"{url.rstrip('/')}/health"):
        raise NotFound("the Prefect server does not answer", seen=url, do="run `make up`, or unset PREFECT_API_URL")
    return url
