"""Prefect's temporary server of one command: Ctrl-C at the terminal spares it, and it never outlives the command."""

import atexit
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final

import uvicorn
from prefect.context import refresh_global_settings_context

from nightschool.errors import Unavailable
from nightschool.failures import explain

API_URL: Final = "PREFECT_API_URL"

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
    """

    def __init__(self) -> None:
        self._last_lines: deque[str] = deque(maxlen=200)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env={**os.environ, **_LEAN},
            # Nothing is written to it: it ends with this process, however that ends.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()
        atexit.register(self.stop)

    def wait(self, seconds: float) -> str:
        """Wait until the server answers; return the address of its API.

        Raises:
            Unavailable: It ended, for the reason that it gave, or it does not answer in time.
        """
        output = self._process.stdout
        assert output is not None, "the server's output is a pipe"  # noqa: S101
        ready, _, _ = select.select([output], [], [], seconds)
        port = output.readline().decode().strip() if ready else ""
        if not port:
            self.stop()
            self._listener.join(1)
            raise why([*self._last_lines])
        return f"http://127.0.0.1:{port}/api"

    def stop(self) -> None:
        """End the server, if it still runs."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        for line in self._process.stderr or ():
            self._last_lines.append(line.decode(errors="replace").rstrip())


def why(lines: Sequence[str]) -> Unavailable:
    """Return the error that the last lines of a server's log report."""
    lines = [line for line in lines if line.strip()]
    seen = next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1] if lines else "nothing")
    do = "run the same command again; `nightschool doctor` looks at disk, memory and ports"
    return explain(RuntimeError(seen)) or Unavailable("Prefect's temporary server did not start", seen=seen, do=do)


def start_server(seconds: float) -> Callable[[], None]:
    """Start a server; return the wait for it, after which Prefect's client uses it.

    Args:
        seconds: How long the wait may take; it raises Unavailable where the server could not start.
    """
    server = TemporaryServer()

    def wait() -> None:
        os.environ[API_URL] = server.wait(seconds)
        refresh_global_settings_context()

    return wait


def serve() -> None:
    """Serve Prefect's API until SIGTERM, or until the process at the other end of standard input is gone.

    The port is written to standard output once the server answers.
    """
    Thread(target=_end_with_input, daemon=True).start()
    app = uvicorn.Config("prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _Server(app).run([listener])


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            sys.stdout.write(f"{sockets[0].getsockname()[1]}\n")
            sys.stdout.flush()


def _end_with_input() -> None:
    # Not by sys.stdin, whose lock would abort the interpreter's shutdown.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve()
