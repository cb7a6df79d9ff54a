"""Child processes that are started together, watched together and stopped together."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from nightschool.errors import NightschoolError

GRACE_SECONDS = 10.0
_STOP = (signal.SIGINT, signal.SIGTERM)
_POLL_SECONDS = 0.1


class ProcessGroup:
    """A context that ends all its child processes when it is left, for whatever reason.

    Ctrl-C and SIGTERM both arrive as KeyboardInterrupt. Each child has a session of its own, so that the terminal's
    Ctrl-C reaches this process alone, and it decides in which order the others end.

    Attributes:
        logs: The folder that holds one log file a child.
        environment: The children's environment variables, all of them.
        directory: The children's working directory.
    """

    def __init__(self, logs: Path, environment: Mapping[str, str], directory: Path) -> None:
        self.logs = logs
        self.environment = environment
        self.directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._handlers = {number: signal.signal(number, signal.default_int_handler) for number in _STOP}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A second Ctrl-C must not leave half of them running.
        for number in _STOP:
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(self._running.values()):
            end(process, GRACE_SECONDS)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start a child process that runs until the context is left."""
        self._running[name] = self._spawn(name, arguments)

    def run(self, name: str, arguments: Sequence[str], *, seconds: float) -> None:
        """Run a child process to its end, while watching the others.

        Raises:
            NightschoolError: It failed or took longer than that, or another one ended.
        """
        process = self._spawn(name, arguments)
        try:
            self.until(lambda: process.poll() is not None, f"{name} to finish", seconds=seconds)
        finally:
            end(process, 0)
        if process.returncode:
            raise self._failure(name, process.returncode)

    def until(self, done: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Wait until `done` returns True.

        Raises:
            NightschoolError: It took longer than that, or a child ended.
        """
        deadline = time.monotonic() + seconds
        while not done():
            self._raise_for_ended()
            if time.monotonic() > deadline:
                raise NightschoolError(
                    f"waited {seconds:.0f} seconds for {what}, without success", do=f"read the logs in {self.logs}"
                )
            time.sleep(_POLL_SECONDS)

    def watch(self) -> None:
        """Watch the child processes until Ctrl-C or SIGTERM, which raise KeyboardInterrupt.

        Raises:
            NightschoolError: A child ended.
        """
        while True:
            self._raise_for_ended()
            time.sleep(_POLL_SECONDS)

    def _spawn(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._log(name).open("wb") as log:
            return subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=dict(self.environment),
                start_new_session=True,
            )

    def _raise_for_ended(self) -> None:
        for name, process in self._running.items():
            code = process.poll()
            if code is not None:
                raise self._failure(name, code)

    def _failure(self, name: str, code: int) -> NightschoolError:
        log = self._log(name)
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
        last = next((line for line in reversed(lines) if line), "an empty log")
        ended = f"with exit code {code}" if code >= 0 else f"by signal {signal.Signals(-code).name}"
        return NightschoolError(f"{name} ended {ended}", seen=last, do=f"read {log}")

    def _log(self, name: str) -> Path:
        return self.logs / f"{name.lower().replace(' ', '-')}.log"


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End a session leader and its descendants: send SIGTERM, and kill those that have not ended in time."""
    family = _family(process)
    # The descendants first: a night that gets SIGTERM reports it through its worker, while that one still listens.
    for member in family[1:]:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    psutil.wait_procs(family[1:], timeout=seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=seconds)
    for member in alive:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(alive)
    process.wait()


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the process and its descendants, also those in other sessions; empty once it has ended."""
    if process.poll() is not None:
        return []
    try:
        leader = psutil.Process(process.pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
