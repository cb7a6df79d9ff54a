"""A standalone master of Spark with workers, as processes of this machine that end with who started them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psutil

_BEGIN_SECONDS: Final = 60.0
_MASTER: Final = "org.apache.spark.deploy.master.Master"
_WORKER: Final = "org.apache.spark.deploy.worker.Worker"


@dataclass
class SparkCluster:
    """A master and its workers.

    Attributes:
        folder: Where they log, and where workers work.
        url: The master's address.
        master: Its process.
        workers: Their processes.
    """

    folder: Path
    url: str
    master: subprocess.Popen[bytes]
    memory: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker of one core, and wait until the master knows it."""
        number = len(self.workers)
        log, work = self.folder / f"worker-{number}.log", self.folder / f"work-{number}"
        options = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0", "--cores", "1", "--memory", self.memory)
        process = _start([_WORKER, *options, "--work-dir", str(work), self.url], log)
        self.workers.append(process)
        _await(log, "Successfully registered with master")
        return process

    def executors(self) -> list[psutil.Process]:
        """Return the processes of Java that work for an application."""
        return [
            child
            for worker in self.workers
            if worker.poll() is None
            for child in psutil.Process(worker.pid).children(recursive=True)
            if _is_executor(child)
        ]

    def stop(self) -> None:
        """End all of them."""
        for process in (*self.workers, self.master):
            kill(process)


@contextmanager
def spark_cluster(folder: Path, workers: int = 2, memory: str = "2g") -> Iterator[SparkCluster]:
    """Start a master and workers on ports that are free, and end them with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "master.log"
    master = _start([_MASTER, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"], log)
    cluster = None
    try:
        url = re.search(r"spark://[\w.:]+", _await(log, "Starting Spark master at"))
        if url is None:
            raise RuntimeError(f"the master does not say where it is: {log}")
        cluster = SparkCluster(folder, url[0], master, memory)
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        kill(master)
        if cluster is not None:
            cluster.stop()


def _is_executor(process: psutil.Process) -> bool:
    try:
        return "CoarseGrainedExecutorBackend" in " ".join(process.cmdline())
    except psutil.Error:
        return False  # it has just ended


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise RuntimeError("pyspark is not installed: make spark")
    home = Path(spec.origin).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_NO_DAEMONIZE": "1",
        "PYSPARK_PYTHON": sys.executable,
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(home / "bin" / "spark-class"), *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _await(log: Path, words: str) -> str:
    """Return the line of a log that has these words, once it is there."""
    until = time.monotonic() + _BEGIN_SECONDS
    while time.monotonic() < until:
        found = next((line for line in log.read_text(errors="replace").splitlines() if words in line), None)
        if found is not None:
            return found
        time.sleep(0.1)
    raise RuntimeError(f"no {words!r} in {log}: {log.read_text(errors='replace')[-500:]}")
