"""The environment of a benchmark: read-only real data, a temporary home, a process of its own."""

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import numpy as np
import polars as pl
import scipy
import typer

from nightschool.cli.environment import prepare_environment
from nightschool.errors import NotFound

SEARCH = {"minutes": 10}
"""The search of a benchmark that is about quality, longer than a night's."""

P = ParamSpec("P")
R = TypeVar("R")

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

DataOption = Annotated[
    Path,
    typer.Option("--data", envvar="NIGHTSCHOOL_TEST_DATA", help="The folder of the real data sets, one folder each."),
]
DATA = Path(os.environ.get("NIGHTSCHOOL_TEST_DATA", _SHARED_DATA))


def source_of(dataset: str, data: Path) -> Path:
    """Find the folder of a data set's source files.

    Raises:
        NotFound: It does not exist; the project ships no data.
    """
    folder = data / dataset
    if not folder.is_dir():
        raise NotFound(f"no data of {dataset}", seen=str(folder), do="give --data or NIGHTSCHOOL_TEST_DATA")
    return folder


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Make an empty home, named by NIGHTSCHOOL_HOME for this process and those it starts; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        os.environ["NIGHTSCHOOL_HOME"] = str(home)
        yield home


def ingested_home(dataset: str, source: Path) -> Any:
    """Ingest a data set into the home that NIGHTSCHOOL_HOME names; call it before anything reads that name.

    Searches of this process know nothing of what won on the data set before.
    """
    prepare_environment()
    leave_out_priors(dataset)
    from nightschool.application.bind_home import bind_home
    from nightschool.application.sources import ingest_sources

    home = bind_home(dataset, source)
    ingest_sources(home, None)
    return home


def leave_out_priors(*datasets: str) -> None:
    """Let the searches of this process start from what won on other data sets alone."""
    from nightschool.night.selection import priors

    kept = {name: prior for name, prior in priors.known_priors().items() if name not in datasets}
    priors.known_priors = lambda: kept  # type: ignore[assignment]  # a cached function is one too


def in_fresh_process(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call the function in a fresh process, so that memory and imports are its own, and return its result."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def machine() -> str:
    """Describe what the figures depend on, without naming the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    libraries = f"polars {pl.__version__}, numpy {np.__version__}, scipy {scipy.__version__}"
    return f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {libraries}"
