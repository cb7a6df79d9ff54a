"""Prefect's temporary server of one command: Ctrl-C at the terminal spares it, and it never outlives the command."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any

import uvicorn
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings


class TemporaryServer(SubprocessASGIServer):
    """The server that a flow's client would start itself, and then finds started.

    Prefect's own is in the terminal's process group: Ctrl-C ends it first, and the command waits two minutes for it to
    answer. Nor does that one notice when the command is killed.
    """

    def _run_uvicorn_command(self) -> "subprocess.Popen[Any]":
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        told = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.port)],
            env={**os.environ, **told, **settings},
            # Nobody writes to it: it ends with this process, however that ends.
            stdin=subprocess.PIPE,
            start_new_session=True,
        )


def start_server() -> Callable[[], None]:
    """Start the server; return the wait for it, which raises what starting it raised."""
    started: Future[None] = Future()

    def start() -> None:
        try:
            TemporaryServer().start()
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            started.set_exception(error)
        else:
            started.set_result(None)

    # Of other threads the interpreter waits for the end, also after Ctrl-C.
    Thread(target=start, daemon=True).start()
    return started.result


def serve(port: int) -> None:
    """Serve Prefect's API until SIGTERM, or until the process at the other end of standard input is gone."""
    Thread(target=_end_with_input, daemon=True).start()
    app = "prefect.server.api.server:create_app"
    uvicorn.run(app, factory=True, host="127.0.0.1", port=port, log_level="error", lifespan="on")


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
