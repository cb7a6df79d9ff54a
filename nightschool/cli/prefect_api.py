"""The process of the temporary server: Prefect's API on a free port of this machine.

It speaks by its pipes: standard input brings one byte once the server may start, and its end ends the process;
standard output takes the port once the API answers, or 0 where Prefect's settings name another server.
"""

import asyncio
import fcntl
import os
import signal
import socket
import sys
from pathlib import Path
from threading import Thread

from nightschool.imports import importing, skip_last_collection
from nightschool.sqlite import sqlite_path
from nightschool.storage.database_template import copy_template, keep_template

ANOTHER_SERVER = 0
"""Written in place of a port: the settings name a server, or forbid a temporary one."""


def serve() -> None:
    """Serve the API until SIGTERM, or until the process at the other end of standard input is gone."""
    prefect_home = Path(os.environ["PREFECT_HOME"])
    # Prefect makes its folder as it is imported, which a command that is refused must not.
    may_import = prefect_home.exists() or not prefect_home.parent.exists()
    if not may_import and not os.read(0, 1):
        return
    with importing():
        from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED
    if PREFECT_API_URL.value() or not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        _answer(ANOTHER_SERVER)
        return
    with importing():
        import uvicorn
        from prefect.server.api.server import create_app

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started and sockets:
                _answer(sockets[0].getsockname()[1])

    # Not by sys.stdin, whose lock would abort the interpreter's shutdown.
    if may_import and not os.read(0, 1):
        return
    Thread(target=_end_with_input, daemon=True).start()
    _make_database()
    config = uvicorn.Config(create_app, factory=True, log_level="error", lifespan="on")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Server(config).run([listener])


def _make_database() -> None:
    """Make a new SQLite database by a copy, where this machine has made one before; one process at a time."""
    import prefect
    from prefect.server.database import provide_database_interface
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

    path = sqlite_path(PREFECT_API_DATABASE_CONNECTION_URL.value())
    if path is None or not path.parent.is_dir():
        return
    folder, template = os.open(path.parent, os.O_RDONLY), f"prefect-{prefect.__version__}"
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists() and not copy_template(template, path):
            asyncio.run(provide_database_interface().create_db())
            keep_template(template, path, empty=("flow_run", "log"))
    finally:
        os.close(folder)


def _answer(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def _end_with_input() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    skip_last_collection()
    serve()
