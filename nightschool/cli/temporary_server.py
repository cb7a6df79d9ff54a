"""Prefect's temporary server of one command: Ctrl-C at the terminal spares it, and it never outlives the command."""

import atexit
import os
import re
import select
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import IO, Final, Self

from nightschool.errors import Unavailable
from nightschool.failures import explain
from nightschool.settings import Settings

API_URL: Final = "PREFECT_API_URL"

_PROCESS: Final = "nightschool.cli.prefect_api"
_LEAN: Final = {
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "0",
}
"""What the server leaves out: its page, services for many runs, and blocks, which no night uses."""

_STOP_SECONDS: Final = 5.0
_ERROR = re.compile(r"[\w.]*(Error|Exception): ")


class TemporaryServer:
    """A server of Prefect's API in a process of its own, on a free port of this machine.

    Prefect's client could start one by itself. It would import the whole server for that, put it into the terminal's
    process group, where Ctrl-C ends it before the command, and leave it behind when the command is killed.

    The process imports Prefect at once, since that takes seconds, and writes nothing before `start`. It ends where
    Prefect's settings name another server; where the environment does, none is made. As a context, it stops the
    process where the block ends before `start`: the command was refused.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._started = False
        if os.environ.get(API_URL):
            return
        self._last_lines: deque[str] = deque(maxlen=200)
        self._process = subprocess.Popen(
            [sys.executable, "-m", _PROCESS],
            env={**os.environ, **_LEAN},
            # It ends with this process, however that ends.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stderr is not None, "the server's log is a pipe"  # noqa: S101
        self._listener = Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        atexit.register(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._started:
            self.stop()

    def start(self) -> None:
        """Let the server start; the folder of Prefect's files, which it does not make, is made here."""
        self._started = True
        Settings().paths.prefect.mkdir(parents=True, exist_ok=True)
        if self._process is None:
            return
        assert self._process.stdin is not None, "the server's input is a pipe"  # noqa: S101
        # One that has ended is reported by the wait.
        with suppress(BrokenPipeError):
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()

    def wait(self) -> None:
        """Wait until the server answers; from then on Prefect's client uses it.

        Raises:
            Unavailable: It ended, for the reason that it gave, or it does not answer in time.
        """
        if self._process is None:
            return
        from prefect.context import refresh_global_settings_context
        from prefect.settings import PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS

        output = self._process.stdout
        assert output is not None, "the server's output is a pipe"  # noqa: S101
        ready, _, _ = select.select([output], [], [], PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())
        port = output.readline().decode().strip() if ready else ""
        if not port:
            self.stop()
            self._listener.join(1)
            raise why([*self._last_lines])
        if int(port):
            os.environ[API_URL] = f"http://127.0.0.1:{port}/api"
            refresh_global_settings_context()

    def stop(self) -> None:
        """End the server, if it still runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self, output: IO[bytes]) -> None:
        for line in output:
            self._last_lines.append(line.decode(errors="replace").rstrip())


def why(lines: Sequence[str]) -> Unavailable:
    """Return the error that the last lines of a server's log report."""
    lines = [line for line in lines if line.strip()]
    seen = next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1] if lines else "nothing")
    do = "run the same command again; `nightschool doctor` looks at disk, memory and ports"
    return explain(RuntimeError(seen)) or Unavailable("Prefect's temporary server did not start", seen=seen, do=do)
