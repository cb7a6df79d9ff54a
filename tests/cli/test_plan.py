from pathlib import Path

import pytest

from nightschool.night import plan
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def _ingested(run: Run, source: Path) -> None:
    assert run("ingest", "--dataset", "learning", "--source-root", source).code == 0


def test_a_night_is_estimated_as_a_table_and_as_json(run: Run) -> None:
    told = run("plan")
    assert told.code == 0
    assert "one machine is enough" in told.out
    document = run("plan", "--json", "--set", "minutes=30").document
    assert document["rows"] > 0
    assert document["fits"] is True
    assert document["seconds"] > 1800


def test_too_little_memory_is_told_with_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "available_gigabytes", lambda: 0.5)
    assert "engine=spark" in run("plan").out
    night = run("retrain")
    assert night.code == 7
    assert "would run out of memory" in night.err
