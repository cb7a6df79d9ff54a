"""docker/alerts.yml: rules that Prometheus can read, on figures that /metrics has."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from nightschool.night.outcome import ALARMING
from nightschool.settings import HomePaths
from nightschool.storage.nights import NightRow, Nights
from serving.night_figures import NightFigures
from serving.telemetry import exposition
from tests.docker.files import ROOT
from tests.serving.nights import make_nights

NOW = datetime.now(UTC)


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((ROOT / "docker" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    assert group["name"] == "nightschool"
    return list(group["rules"])


@pytest.fixture
def metrics(tmp_path: Path) -> set[str]:
    """The name of every sample of a home that has had a night."""
    paths = HomePaths(tmp_path / "home")
    make_nights(paths.root)
    rows = {"interactions": {"accepted": 9, "quarantined": 1}}
    about = {"as_of": NOW, "newest_event": NOW - timedelta(hours=5), "rows": rows, "outcome": "published"}
    night = NightRow.model_validate({"night_id": "n", "started_at": NOW, "ended_at": NOW, "exit_code": 0, **about})
    Nights.of(paths).append(night)
    text = (exposition(None) + NightFigures(paths).exposition()).decode()
    return set(re.findall(r"^(nightschool_\w+)", text, re.MULTILINE))


def test_every_rule_is_whole() -> None:
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "warning"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["expr"].count("(") == rule["expr"].count(")")
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    wanted = {"NightFailed", "NoSuccessfulNight", "DataStale", "ManyRowsQuarantined", "GateRefused"}
    assert wanted <= set(names)


def test_every_figure_of_a_rule_is_one_that_metrics_has(metrics: set[str]) -> None:
    used = {name for rule in rules() for name in re.findall(r"\bnightschool_\w+", rule["expr"])}
    assert len(used) >= 5
    assert used <= metrics


def test_every_alarming_outcome_raises_an_alarm() -> None:
    told = {
        outcome
        for rule in rules()
        for part in re.findall(r'outcome=~"([^"]+)"', rule["expr"])
        for outcome in part.split("|")
    }
    assert told == ALARMING | {"held"}
