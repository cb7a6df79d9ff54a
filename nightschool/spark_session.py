"""The session of Spark that a process has: one, begun when it is first needed."""

import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from nightschool.errors import NightschoolError, Unavailable

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

T = TypeVar("T")

OLDEST_JAVA: Final = 17
LOCAL: Final = "local[*]"
"""The master where neither a night nor Spark's own configuration names one."""
PATIENCE_SECONDS: Final = 120.0
"""How long nobody may work for a job before it is given up: Spark itself would wait for ever."""

_LOOK_SECONDS: Final = 0.5
_ONE_MACHINE: Final = frozenset({"", "127.0.0.1", "localhost", "::1"})
_GONE: Final = (
    "all masters are unresponsive",
    "master removed our application",
    "sparkcontext was shut down",
    "stopped sparkcontext",
    "because sparkcontext was",
    "connection refused",
    "executorlostfailure",
    "python worker exited unexpectedly",
    "answer from java side is empty",
    "java.lang.outofmemoryerror",
)
_OF_JAVA: Final = frozenset({"Py4JNetworkError", "PySparkRuntimeError", "ConnectionRefusedError"})
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")
_DO: Final = (
    "look at its master and workers, give executors more memory (spark.executor.memory), or set engine=local; "
    "the last good release stays up, and the next night goes on where this one stopped"
)


def require_spark() -> str:
    """Return which Spark and which Java there are.

    Raises:
        Unavailable: There is no pyspark, no Java, or one that is too old.
    """
    if find_spec("pyspark") is None:
        raise Unavailable("Spark is not installed", do="run `make spark`")
    found = java_version()
    if found is None:
        raise Unavailable(
            "Spark needs Java, and there is none that starts",
            seen=os.environ.get("JAVA_HOME"),
            do=f"install Java {OLDEST_JAVA} or newer (Debian: openjdk-17-jre-headless), or correct JAVA_HOME",
        )
    if found < OLDEST_JAVA:
        do = f"install Java {OLDEST_JAVA} or newer, and let JAVA_HOME name it"
        raise Unavailable("this Java is too old for Spark", seen=str(found), do=do)
    return f"Spark {version('pyspark')}, Java {found}"


def java_version() -> int | None:
    """Return the major version of the Java that Spark would start; None where none starts."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if program is None:
        return None
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None


def spark_session(master: str = "") -> "SparkSession":
    """Return the process's session; where there is none, begin one.

    Args:
        master: Where to begin it; empty: where Spark's own configuration says, else on this machine.

    Raises:
        Unavailable: Spark or Java is missing, or the master does not answer.
    """
    require_spark()
    with spark_errors():
        return _running() or _begin(master)


def with_executors(run: Callable[[], T], look: Callable[["SparkContext"], None] | None = None) -> T:
    """Return what a job of Spark returns, and give it up where nobody has worked for it for two minutes.

    Args:
        run: Runs the job.
        look: Called about twice a second meanwhile.

    Raises:
        Unavailable: Spark does not answer, has lost its workers or has run out of memory.
    """
    context = spark_session().sparkContext
    with spark_errors(), ThreadPoolExecutor(1) as thread:
        running = thread.submit(run)
        try:
            _await(running, context, look)
        except BaseException:
            context.cancelAllJobs()
            raise
        return running.result()


@contextmanager
def spark_errors() -> Iterator[None]:
    """Turn the errors by which Spark says that a master, a worker or memory is gone into Unavailable."""
    try:
        yield
    except NightschoolError:
        raise
    except Exception as error:
        text = str(error)
        sign = next((sign for sign in _GONE if sign in text.lower()), None)
        if sign is None and type(error).__name__ not in _OF_JAVA:
            raise
        lines = [line.strip() for line in text.splitlines() if sign is None or sign in line.lower()]
        raise Unavailable("Spark does not answer, or has failed", seen=(lines or [text])[0][:300], do=_DO) from error


def _await(running: "Future[T]", context: "SparkContext", look: Callable[["SparkContext"], None] | None) -> None:
    """Wait for a job."""
    alive_at = time.monotonic()
    while not running.done():
        wait([running], _LOOK_SECONDS)
        if str(context.master).startswith("local") or _n_executors(context) > 0:
            alive_at = time.monotonic()
        if time.monotonic() - alive_at > PATIENCE_SECONDS:
            seen = f"none at {context.master} for {PATIENCE_SECONDS:.0f} s"
            raise Unavailable("no worker works for this application of Spark", seen=seen, do=_DO)
        if look is not None:
            look(context)


def _n_executors(context: "SparkContext") -> int:
    """Count the executors; the driver itself is none."""
    java: Any = context._jsc
    return int(java.sc().getExecutorMemoryStatus().size()) - 1


def _running() -> "SparkSession | None":
    """Return the session that has begun and not ended."""
    if "pyspark" not in sys.modules:
        return None
    from pyspark.sql import SparkSession

    found = SparkSession.getActiveSession()
    java: Any = None if found is None else found.sparkContext._jsc
    return found if java is not None and not java.sc().isStopped() else None


def _begin(asked: str) -> "SparkSession":
    # Workers may name another in their own environment.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # It runs with pandas 3, which it only says at every turn.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    own: Any = SparkConf()
    master = asked or own.get("spark.master", LOCAL)
    on_one_machine = master.startswith("local") or (urlsplit(master).hostname or "") in _ONE_MACHINE
    if on_one_machine:
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    chosen = {
        "spark.master": master,
        "spark.app.name": "nightschool",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "200000",
        # One core works on one part: what its libraries would do on all cores would only crowd the others.
        **{f"spark.executorEnv.{name}": "1" for name in _THREADS},
    }
    usual = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.memory": "768m",
        "spark.executor.memory": "1g",
        "spark.sql.shuffle.partitions": "16",
        **({"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"} if on_one_machine else {}),
    }
    conf: Any = SparkConf()
    conf.setAll([*((name, value) for name, value in usual.items() if not own.contains(name)), *chosen.items()])
    return SparkSession.builder.config(conf=conf).getOrCreate()
