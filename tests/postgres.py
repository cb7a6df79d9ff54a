"""A real PostgreSQL server for tests, with an account, a password and a database of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg
import pytest

USER, PASSWORD, DATABASE = "nightly_reader", "p@ss/w0rd: 100%", "platform"
_PATIENCE = 60


class Server(NamedTuple):
    """Where it answers, and who may ask."""

    port: int

    @property
    def uri(self) -> str:
        """Its address as a manifest writes it."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of the address nobody may be told."""
        return (USER, PASSWORD, quote(PASSWORD, safe=""), "127.0.0.1")

    def connect(self, database: str = DATABASE) -> psycopg.Connection:
        """A connection that commits every statement; for `with`."""
        where = {"host": "127.0.0.1", "port": self.port, "dbname": database}
        return psycopg.connect(**where, user=USER, password=PASSWORD, autocommit=True)

    def run(self, *statements: str) -> None:
        """Runs statements one by one."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)


def binary(name: str) -> str:
    """Where a program of PostgreSQL lies; skips the test that asks for it where there is none."""
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    if found is None:
        pytest.skip(f"PostgreSQL is not installed: there is no {name}")
    return found


def _account() -> dict[str, Any]:
    """How to start a process that PostgreSQL does not refuse: it never runs as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _prepare(folder: Path) -> Path:
    """A new data folder, owned by the account that runs the server."""
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    if account := _account():
        for path in (folder, folder / "password"):
            os.chown(path, account["user"], account["group"])
    told = ("--username", USER, "--pwfile", folder / "password", "--auth", "scram-sha-256", "--encoding", "UTF8")
    command = (binary("initdb"), "--pgdata", folder / "data", "--locale", "C.UTF-8", "--no-sync", *told)
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **_account())
    return folder / "data"


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            server.connect("postgres").close()
        except psycopg.OperationalError:
            assert process.poll() is None, "PostgreSQL ended while it started"
            assert time.monotonic() < deadline, f"PostgreSQL did not answer within {_PATIENCE} s"
            time.sleep(0.1)
        else:
            return


@contextmanager
def running_server() -> Iterator[Server]:
    """The server, until the end; it answers on a free port of this machine only.

    Skips the test that asks for it where PostgreSQL is not installed.
    """
    program = binary("postgres")
    with tempfile.TemporaryDirectory(prefix="nightschool-pg-") as name:
        folder, server = Path(name), Server(_free_port())
        data = _prepare(folder)
        command = (program, "-D", data, "-p", server.port, "-k", folder, "-h", "127.0.0.1", "-F")
        with subprocess.Popen(
            [str(part) for part in command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **_account()
        ) as process:
            try:
                _wait_for(server, process)
                with server.connect("postgres") as connection:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
                yield server
            finally:
                # SIGINT is PostgreSQL's fast shutdown: it does not wait for those who are connected.
                process.send_signal(2)
                process.wait(_PATIENCE)
