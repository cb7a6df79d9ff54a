"""Homes in which nights are rehearsed: in this process, or through the deployment and a worker."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

from flows.retrain import retrain
from nightschool.night.config import NightConfig
from tests.flows.rehearsal.deliveries import Landing, Sources
from tests.flows.rehearsal.outcome import Contents, Outcome, table_of
from tests.flows.rehearsal.script import Due
from tests.flows.servers import SMALL_NIGHT, Servers, until

CONFIG = {**SMALL_NIGHT, "window_days": 10}
_HEADER = ("night", "of", "delivered", "outcome", "known", "accepted", "quarantined", "set aside", "seconds")
_FIGURES = ("already_known", "accepted", "quarantined", "set_aside")


class Run(Protocol):
    """Runs one night on delivered files in a home."""

    def __call__(self, home: Path, sources: Sources, as_of: datetime) -> Outcome: ...


@dataclass
class Stage:
    """A home, what is delivered to it, and what came of its nights.

    Attributes:
        home: The home.
        landing: What is delivered.
        run: Runs a night.
        kept: Copies of home and source root that are kept for later.
        lines: The lines of the table that is printed at the end.
    """

    home: Path
    landing: Landing
    run: Run
    kept: Path
    missed: datetime | None = None
    lines: list[tuple[str, ...]] = field(default_factory=lambda: [_HEADER])

    @property
    def contents(self) -> Contents:
        """What the home holds now."""
        return Contents(self.home)

    def play(self) -> Outcome:
        """Run the night that is due."""
        return self.run(self.home, self.landing.sources, self.landing.night)

    def note(self, name: str, due: Due, outcome: Outcome) -> None:
        """Add a line to the table."""
        figures = [str(outcome.figure(figure)) for figure in _FIGURES]
        day = f"{self.landing.today:%m-%d}"
        self.lines.append((name, day, due.delivered, outcome.status, *figures, f"{outcome.seconds:.0f}"))

    def keep(self) -> None:
        """Keep a copy of the home and of what was delivered so far, and note that this night is missed."""
        self.missed = self.landing.night
        shutil.copytree(self.home, self.kept / "home")
        shutil.copytree(self.landing.root, self.kept / "source")

    def on_time(self) -> Contents:
        """Run the missed night in the copy, as it would have run at its time, and return what the copy then holds."""
        assert self.missed is not None
        there = Sources(self.landing.manifest, self.kept / "source")
        outcome = self.run(self.kept / "home", there, self.missed)
        assert outcome.status == "published", outcome.message
        return Contents(self.kept / "home")

    def table(self) -> str:
        """Return the table of the nights so far."""
        return table_of(self.lines)


def run_here(home: Path, sources: Sources, as_of: datetime) -> Outcome:
    """Run a night in this process."""
    started = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSCHOOL_HOME", str(home))
        patch.setattr("nightschool.application.opening.code_version", lambda: "as the test began")
        config = NightConfig.model_validate(CONFIG)
        report = retrain(str(sources.manifest), sources.root, as_of=as_of, config=config)
    fates = {file["file"]: file["fate"] for file in report.get("files", ()) if file["table"] == "interactions"}
    message = "\n".join(report.get("warnings", ()))
    return Outcome(report["status"], None, report["rows"], fates, time.perf_counter() - started, message, message)


@dataclass(frozen=True)
class Worker:
    """Runs nights as flow runs of the deployment `retrain/retrain`, through the worker of running servers."""

    servers: Servers

    def start(self, home: Path, sources: Sources, as_of: datetime) -> str:
        """Start a night and return the id of its flow run."""
        parameters: dict[str, Any] = {"dataset": str(sources.manifest), "source_root": str(sources.root)}
        parameters |= {"as_of": as_of.isoformat(), "config": CONFIG}
        return self.servers.start("retrain/retrain", home, parameters)

    def __call__(self, home: Path, sources: Sources, as_of: datetime) -> Outcome:
        """Run a night to its end."""
        started = time.perf_counter()
        run_id = self.start(home, sources, as_of)
        state = self.servers.final_state(run_id)
        contents = Contents(home)
        row = contents.night(run_id)
        status = row.get("outcome") or state["name"].lower()
        seconds, message = time.perf_counter() - started, state["message"] or ""
        about = {"state": (state["type"], state["name"]), "rows": row.get("rows", {}), "fates": contents.fates()}
        return Outcome(status, **about, seconds=seconds, message=message, notes=self._notes(run_id))

    def kill(self, home: Path, sources: Sources, as_of: datetime, reached: Callable[[], bool]) -> dict[str, Any]:
        """Start a night, kill its processes as soon as it has come so far, and return the state of its flow run."""
        run_id = self.start(home, sources, as_of)

        def may_be_killed() -> bool:
            state = self.servers.state(run_id)
            assert state["type"] not in {"COMPLETED", "FAILED"}, f"the night ended too soon: {state['message']}"
            return reached()

        until(may_be_killed, "the moment to kill the night")
        leader = next(process for process in self._family() if _run_of(process) == run_id)
        for member in (*leader.children(recursive=True), leader):
            with suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        return self.servers.final_state(run_id)

    def _notes(self, run_id: str) -> str:
        """Return the night's report in Markdown."""
        left = self.servers.filter("artifacts", flow_runs={"id": {"any_": [run_id]}})
        return next((entry["data"] for entry in left if entry["key"] == "night"), "")

    def _family(self) -> list[psutil.Process]:
        return psutil.Process(self.servers.process.pid).children(recursive=True)


def _run_of(process: psutil.Process) -> str | None:
    """Return the id of the flow run that a process runs; None where it runs none."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.environ().get("PREFECT__FLOW_RUN_ID")
    return None


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path | None]:
    """Mount a file system of this size in memory for the block; None where that is not permitted."""
    folder = Path(tempfile.mkdtemp(prefix="nightschool-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill the disk with a file for the block, to the last byte."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        assert shutil.disk_usage(disk).free == 0
        yield
    finally:
        ballast.unlink(missing_ok=True)
