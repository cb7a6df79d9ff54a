"""The deployed flows on a real Prefect server and worker, started and stopped as `make up` does it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint

from nightschool.data.simulator.config import SimulatorConfig
from nightschool.data.simulator.simulate import simulate

ROOT = Path(__file__).parents[2]
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
START_SECONDS = 240
RUN_SECONDS = 240

pytestmark = pytest.mark.server


@dataclass(frozen=True)
class Servers:
    """What `nightschool up` started."""

    process: subprocess.Popen[bytes]
    output: Path
    home: Path
    prefect: httpx.Client
    mlflow: httpx.Client

    def deployment(self, name: str) -> dict[str, Any]:
        return self._answer(self.prefect.get(f"/deployments/name/{name}"))

    def start(self, name: str, parameters: dict[str, Any], home: Path) -> str:
        """The id of a flow run, started now in this home."""
        run = {"parameters": parameters, "job_variables": {"env": {"NIGHTSCHOOL_HOME": str(home)}}}
        url = f"/deployments/{self.deployment(name)['id']}/create_flow_run"
        return str(self._answer(self.prefect.post(url, json=run))["id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        """The state in which a flow run ended."""

        def state() -> dict[str, Any] | None:
            found = self._answer(self.prefect.get(f"/flow_runs/{run_id}"))["state"]
            return found if found["type"] in ENDED else None

        return until(state, f"flow run {run_id} to end", RUN_SECONDS)

    def filter(self, what: str, **conditions: Any) -> list[dict[str, Any]]:
        return self._answer(self.prefect.post(f"/{what}/filter", json=conditions))

    def _answer(self, response: httpx.Response) -> Any:
        return response.raise_for_status().json()


def until[T](find: Callable[[], T | None], what: str, seconds: float) -> T: ...
