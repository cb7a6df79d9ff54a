"""What `nightschool up` starts: a real Prefect server, its worker and an MLflow server, asked over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
SECONDS = 240.0
SMALL_NIGHT = {
    "models": ["popularity", "ease", "content"],
    "k": 10,
    "alpha_steps": 2,
    "min_users": 20,
    "minutes": 0.01,
}
COMMAND = (sys.executable, "-c", "from nightschool.cli import main; main()")

Found = TypeVar("Found")


def until(find: Callable[[], Found | None], what: str, seconds: float = SECONDS) -> Found:
    """Return the first thing found that is not nothing."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} seconds in vain for {what}"
        time.sleep(0.2)
    return found


def answer(response: httpx.Response) -> Any:
    """Return the JSON of a response that is no error."""
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    return response.json() if response.content else None


class PatientTransport(httpx.HTTPTransport):
    """Sends a request again while the server answers 503.

    Prefect's server does while another request writes to its database; Prefect's own client sends again too.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        def accepted() -> httpx.Response | None:
            response = super(PatientTransport, self).handle_request(request)
            return None if response.status_code == httpx.codes.SERVICE_UNAVAILABLE else response

        return until(accepted, f"the server to accept {request.method} {request.url}")


@dataclass(frozen=True)
class Servers:
    """The running processes.

    Attributes:
        process: `nightschool up` itself.
        output: The file of what it prints.
        home: The home of nights that are started without naming another.
        prefect: A client of the Prefect server.
        mlflow: A client of the MLflow server.
    """

    process: subprocess.Popen[bytes]
    output: Path
    home: Path
    prefect: httpx.Client
    mlflow: httpx.Client

    def deployment(self, name: str) -> dict[str, Any]:
        """Return a deployment by its full name, such as `retrain/nightly`."""
        return answer(self.prefect.get(f"/deployments/name/{name}"))

    def filter(self, what: str, **conditions: Any) -> list[dict[str, Any]]:
        """Return the entries of a kind that meet the conditions of Prefect's filters."""
        return answer(self.prefect.post(f"/{what}/filter", json=conditions))

    def start(self, deployment: str, home: Path, parameters: Mapping[str, Any]) -> str:
        """Start a flow run in a home, through the worker, and return its id."""
        request = {"parameters": parameters, "job_variables": {"env": {"NIGHTSCHOOL_HOME": str(home)}}}
        path = f"/deployments/{self.deployment(deployment)['id']}/create_flow_run"
        return answer(self.prefect.post(path, json=request))["id"]

    def state(self, run_id: str) -> dict[str, Any]:
        """Return the state of a flow run."""
        return answer(self.prefect.get(f"/flow_runs/{run_id}"))["state"]

    def final_state(self, run_id: str) -> dict[str, Any]:
        """Wait for the end of a flow run and return its state."""

        def ended() -> dict[str, Any] | None:
            state = self.state(run_id)
            return state if state["type"] in ENDED else None

        return until(ended, "the flow run to end")

    def log(self, run_id: str) -> str:
        """Return what the server keeps of a flow run's log."""
        lines = self.filter("logs", logs={"flow_run_id": {"any_": [run_id]}}, sort="TIMESTAMP_ASC")
        return "\n".join(line["message"] for line in lines)


@contextmanager
def running(folder: Path, settings: dict[str, str]) -> Iterator[Servers]:
    """Run `nightschool up` in the block, with these settings and a home of its own below the folder."""
    home, output = folder / "home", folder / "output.txt"
    port, mlflow_port, page_port = _free_ports(3)
    ports = ("--port", port, "--mlflow-port", mlflow_port, "--page-port", page_port)
    with output.open("wb") as out:
        # Another working directory than the repository's: the flows must not need it.
        process = subprocess.Popen(
            [*COMMAND, "--home", str(home), "up", *map(str, ports)],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | settings,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: process.poll() is not None or "Ctrl-C" in output.read_text(), "`nightschool up`")
        assert process.poll() is None, output.read_text()
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=30, transport=PatientTransport()) as prefect,
            httpx.Client(base_url=f"http://127.0.0.1:{mlflow_port}/api/2.0/mlflow", timeout=30) as mlflow,
        ):
            yield Servers(process, output, home, prefect, mlflow)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


def _free_ports(n: int) -> list[int]:
    with ExitStack() as held:
        listeners = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [listener.getsockname()[1] for listener in listeners]
