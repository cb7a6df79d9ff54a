"""Prefect's temporary server of one command: Ctrl-C at the terminal spares it, and it never outlives the command."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import closing
from threading import Thread
from typing import Any, Final

import uvicorn
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings

from nightschool.errors import Unavailable
from nightschool.failures import explain

_LOOK_SECONDS: Final = 0.2
_TAKEN: Final = 3
"""The exit code of uvicorn at which Prefect tries another port."""
_ERROR = re.compile(r"[\w.]*(Error|Exception): ")


class TemporaryServer(SubprocessASGIServer):
    """The server that a flow's client would start itself, and then finds started.

    Prefect's own is in the terminal's process group: Ctrl-C ends it first, and the command waits two minutes for it to
    answer. Nor does that one notice when the command is killed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: deque[str] = deque(maxlen=200)
        self._listener: Thread | None = None

    def require_alive(self) -> None:
        """Return while the server runs or can still be started.

        Raises:
            Unavailable: It ended, for the reason that it gave.
        """
        process: subprocess.Popen[Any] | None = self.server_process
        if process is not None and process.poll() not in {None, _TAKEN}:
            raise self.failure()

    def failure(self) -> Unavailable:
        """Return why the server did not start, by the last error that it told."""
        if self._listener is not None:
            self._listener.join(1)
        return why([*self._said])

    def _run_uvicorn_command(self) -> "subprocess.Popen[Any]":
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        told = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.port)],
            env={**os.environ, **told, **settings},
            # Nobody writes to it: it ends with this process, however that ends.
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._listener = Thread(target=self._listen, args=(process,), daemon=True)
        self._listener.start()
        return process

    def _listen(self, process: "subprocess.Popen[Any]") -> None:
        for line in process.stderr or ():
            self._said.append(line.decode(errors="replace").rstrip())


def why(lines: Sequence[str]) -> Unavailable:
    """Return the error that the last lines of a server's log tell of."""
    lines = [line for line in lines if line.strip()]
    told = next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1] if lines else "nothing")
    do = "run the same command again; `nightschool doctor` looks at disk, memory and ports"
    return explain(RuntimeError(told)) or Unavailable("Prefect's temporary server did not start", seen=told, do=do)


def start_server() -> Callable[[], None]:
    """Start the server; return the wait for it, which raises Unavailable where it could not start."""
    server = TemporaryServer()
    started: Future[None] = Future()

    def start() -> None:
        try:
            server.start()
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            started.set_exception(error)
        else:
            started.set_result(None)

    def wait() -> None:
        while not started.done():
            server.require_alive()
            wait_for([started], timeout=_LOOK_SECONDS)
        if started.exception() is not None:
            raise server.failure() from started.exception()

    # Of other threads the interpreter waits for the end, also after Ctrl-C.
    Thread(target=start, daemon=True).start()
    return wait


def serve(port: int) -> None:
    """Serve Prefect's API until SIGTERM, or until the process at the other end of standard input is gone."""
    Thread(target=_end_with_input, daemon=True).start()
    app = "prefect.server.api.server:create_app"
    try:
        uvicorn.run(app, factory=True, host="127.0.0.1", port=port, log_level="error", lifespan="on")
    except SystemExit as end:
        # Whatever it could not start for, uvicorn ends as if the port were taken.
        sys.exit(1 if end.code == _TAKEN and _is_free(port) else end.code)


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as listener:
        return listener.connect_ex(("127.0.0.1", port)) != 0


def _end_with_input() -> None:
    # Not by sys.stdin, whose lock would abort the interpreter's shutdown.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
