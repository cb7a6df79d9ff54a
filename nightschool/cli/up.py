"""Prefect server, MLflow server and a worker on this machine, with the flows deployed."""

import os
import socket
import sys
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import flows
from nightschool.cli import show
from nightschool.cli.process_group import ProcessGroup
from nightschool.errors import ConfigurationError
from nightschool.settings import Settings
from nightschool.storage.mlflow_addresses import RUNS_PAGE, VIEW, location, relocate

HOST = "127.0.0.1"
POOL = "local"
_START_SECONDS = 180.0
_NIGHTSCHOOL = (str(Path(sys.executable).with_name("nightschool")),)
_PREFECT = (sys.executable, "-m", "prefect")
_MLFLOW = (sys.executable, "-m", "mlflow")


class Ports(NamedTuple):
    """Where the servers listen on this machine."""

    prefect: int
    mlflow: int
    page: int


def serve_until_stopped(ports: Ports) -> None:
    """Run the servers and the worker until Ctrl-C or SIGTERM, then end them all.

    Raises:
        ConfigurationError: A port is taken; nothing was started.
        NightschoolError: One of them ended, or did not come up in time; the others were ended.
    """
    require_free_ports({"--port": ports.prefect, "--mlflow-port": ports.mlflow, "--page-port": ports.page})
    settings = Settings()
    logs = settings.paths.logs
    environment = child_environment(settings, ports)
    relocate(settings.paths.mlflow_database, settings.paths.mlflow_artifacts)
    with suppress(KeyboardInterrupt), ProcessGroup(logs, environment, repository_root()) as group:
        _start(group, settings, ports)
        _show_addresses(settings, logs, ports)
        group.watch()


def require_free_ports(ports: dict[str, int], host: str = HOST) -> None:
    """Check that each port, by the name of its option, is free.

    Raises:
        ConfigurationError: One is taken, or two are the same.
    """
    if len(set(ports.values())) < len(ports):
        raise ConfigurationError(f"{' and '.join(ports)} are the same port", do="choose another for one of them")
    for option, port in ports.items():
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, port))
            except OSError as error:
                raise ConfigurationError(
                    f"port {port} cannot be listened on",
                    seen=error.strerror,
                    do=f"stop what uses it, or choose another with {option}",
                ) from error


def child_environment(settings: Settings, ports: Ports) -> dict[str, str]:
    """Return the environment of the servers, the worker and its nights."""
    return {
        **os.environ,
        "NIGHTSCHOOL_HOME": str(settings.paths.root),
        "PREFECT_API_URL": f"http://{HOST}:{ports.prefect}/api",
        "NIGHTSCHOOL_PREFECT_PAGE": f"http://{HOST}:{ports.prefect}",
        "NIGHTSCHOOL_MLFLOW_PAGE": f"http://{HOST}:{ports.mlflow}",
        "NIGHTSCHOOL_PAGE": f"http://{HOST}:{ports.page}",
        # Whoever presses Run waits for the worker to look.
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        # Kept in memory, the lease of a night that was killed is forgotten with the server and never ends:
        # the deployment's one slot stays taken and no later night starts.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # Not among the arguments of the process, which everybody on the machine can read.
        "MLFLOW_BACKEND_STORE_URI": settings.tracking_uri,
        # Without it MLflow starts eight processes for evaluation jobs that are not used here.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONUNBUFFERED": "1",
    }


def repository_root() -> Path:
    """Return the folder of prefect.yaml and the flows that it names."""
    return Path(flows.__path__[0]).resolve().parent


def answers(url: str, seconds: float = 2.0) -> bool:
    """Return whether a GET of the address answers with 200 within some seconds."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=seconds)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _start(group: ProcessGroup, settings: Settings, ports: Ports) -> None:
    port, mlflow_port, page_port = ports
    group.start("Prefect server", [*_PREFECT, "server", "start", "--host", HOST, "--port", str(port)])
    group.start("MLflow server", [*_MLFLOW, *mlflow_arguments(settings, mlflow_port)])
    group.until(lambda: answers(f"http://{HOST}:{port}/api/health"), "the Prefect server", seconds=_START_SECONDS)
    group.start("API and page", [*_NIGHTSCHOOL, "serve", "--host", HOST, "--port", str(page_port)])
    # The worker makes the pool if it is missing.
    group.start("worker", [*_PREFECT, "worker", "start", "--pool", POOL, "--type", "process"])
    group.until(lambda: answers(f"http://{HOST}:{port}/api/work_pools/{POOL}"), "the work pool", seconds=_START_SECONDS)
    group.run("deployment", [*_PREFECT, "--no-prompt", "deploy", "--all"], seconds=_START_SECONDS)
    if settings.notify.get_secret_value():
        group.run("automations", [*_NIGHTSCHOOL, "automations"], seconds=_START_SECONDS)
    for server, at in {"the MLflow server": mlflow_port, "the page": page_port}.items():
        group.until(partial(answers, f"http://{HOST}:{at}/health"), server, seconds=_START_SECONDS)


def mlflow_arguments(settings: Settings, port: int) -> list[str]:
    """Return the arguments of the MLflow server; the store's address, a secret, is in the environment."""
    return [
        "server",
        *("--host", HOST),
        *("--port", str(port)),
        *("--workers", "1"),
        # Nights write artifacts into the folder themselves, with or without the server.
        "--no-serve-artifacts",
        *("--default-artifact-root", location(settings.paths.mlflow_artifacts)),
    ]


def _show_addresses(settings: Settings, logs: Path, ports: Ports) -> None:
    port, mlflow_port, page_port = ports
    rows = [
        ["lists, releases", f"http://{HOST}:{page_port}"],
        ["nights, schedules, reports", f"http://{HOST}:{port}"],
        ["nights in MLflow, each with its best α", f"http://{HOST}:{mlflow_port}{RUNS_PAGE}{VIEW}"],
        ["run a night now", f"http://{HOST}:{port}/deployments → retrain → Run"],
        ["home", str(settings.paths.root)],
        ["logs", str(logs)],
        ["stop", "Ctrl-C"],
    ]
    show.show_table("Nightschool is up", ["", "where"], rows)
