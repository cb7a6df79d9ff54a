"""The automation that a real Prefect server holds for nights that never end; tests/flows has it fire."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client

from nightschool.cli.automations import NAME, watch_for_nights
from nightschool.errors import NotFound
from nightschool.night.outcome import END_STATES
from tests.cli.conftest import Run, require_refusal


@pytest.fixture
def deployment(prefect_api: str) -> str:
    """The id of a deployment retrain/nightly that nothing runs."""
    with get_client(sync_client=True) as client:
        return str(client.create_deployment(client.create_flow_from_name("retrain"), "nightly"))


def stored(prefect_api: str) -> list[dict[str, Any]]:
    return httpx.post(f"{prefect_api}/automations/filter", json={}).raise_for_status().json()


def test_nobody_to_tell_and_no_server_are_wrong_usage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    require_refusal(run("automations"), 2, "NIGHTSCHOOL_NOTIFY is not set", "NIGHTSCHOOL_NOTIFY")
    monkeypatch.setenv("NIGHTSCHOOL_NOTIFY", "json://someone:pa55word@127.0.0.1:1")
    require_refusal(run("automations"), 2, "PREFECT_API_URL is not set", "PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    require_refusal(run("automations"), 7, "the Prefect server does not answer", "http://127.0.0.1:1/api")


def test_a_server_without_the_deployment_is_told_of(prefect_api: str) -> None:
    with pytest.raises(NotFound, match="no such deployment; saw 'retrain/nightly'; run `prefect deploy --all` first"):
        watch_for_nights("json://127.0.0.1:1")


def test_the_automation_is_made_once_and_updated(
    prefect_api: str, deployment: str, run: Run, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    watch_for_nights("json://someone:pa55word@127.0.0.1:1", timedelta(hours=3))
    monkeypatch.setenv("NIGHTSCHOOL_NOTIFY", "json://someone:pa55word@127.0.0.1:1")
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    outcome = run("automations", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    (automation,) = stored(prefect_api)
    assert (automation["name"], automation["id"]) == (NAME, outcome.document["id"])
    trigger = automation["trigger"]
    assert (trigger["posture"], trigger["within"], trigger["threshold"]) == ("Proactive", 26 * 3600, 1)
    assert trigger["match_related"]["prefect.resource.id"] == f"prefect.deployment.{deployment}"
    assert set(trigger["expect"]) == {f"prefect.flow-run.{name}" for name in END_STATES}
    (action,) = automation["actions"]
    assert action["type"] == "send-notification"
    block = httpx.get(f"{prefect_api}/block_documents/{action['block_document_id']}").raise_for_status()
    assert block.json()["name"] == "nightschool-notify"
    assert "pa55word" not in block.text
    assert "pa55word" not in outcome.out
