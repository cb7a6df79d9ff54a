"""The commands about the installation, as the command line runs them."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nightschool.cli.app import app
from nightschool.errors import ConfigurationError


def test_up_starts_nothing_when_a_port_is_taken(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = CliRunner().invoke(app, ["up", "--port", str(port), "--mlflow-port", "65535"])
    assert isinstance(result.exception, ConfigurationError)
    assert result.exception.exit_code == 2
    assert f"port {port}" in str(result.exception)
    assert not home.exists()


def test_doctor_finds_a_new_home_well() -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert "All is well" in result.stdout


SILENT = "http://127.0.0.1:1/api"
"""No Prefect server listens there."""


def test_doctor_ends_with_1_when_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", SILENT)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "PROBLEM" in result.stdout


def test_doctor_prints_one_json_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", SILENT)
    document = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert not document["ok"]
    assert {check["name"] for check in document["checks"] if not check["ok"]} == {"prefect"}
