import httpx
import pytest
from prefect import flow, task

from nightschool.application import stage_progress
from nightschool.application.stage_progress import StageProgress
from nightschool.progress import reporting_to, watch

STAGE = "planned"
"""No stage of a night, which other tests run on the same server."""


def work(steps: int) -> int:
    progress = StageProgress(STAGE)
    with reporting_to(progress):
        total = sum(watch(range(steps), "models", steps))
    progress.finish()
    return total


def shown(prefect_api: str) -> list[tuple[str, float, str]]:
    asked = {"artifacts": {"key": {"any_": [f"{STAGE}-progress"]}}}
    found = httpx.post(f"{prefect_api}/artifacts/filter", json=asked).raise_for_status().json()
    return [(one["type"], one["data"], one["description"]) for one in found]


def test_a_long_stage_shows_how_far_it_is_and_a_short_one_shows_nothing(
    prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[str, float, str]]] = []

    @task
    def short() -> int:
        return work(4)

    @task
    def long() -> int:
        monkeypatch.setattr(stage_progress, "EVERY_SECONDS", 0.0)
        progress = StageProgress(STAGE)
        with reporting_to(progress):
            seen.extend(shown(prefect_api) for _ in watch(range(4), "models", 4))
        progress.finish()
        return 0

    @flow
    def night() -> None:
        short()
        assert shown(prefect_api) == []
        long()

    night()
    assert seen == [[], *([("progress", share, f"{STAGE}: models")] for share in (25.0, 50.0, 75.0))]
    assert shown(prefect_api) == [("progress", 100.0, f"{STAGE}: done")]


def test_progress_is_silent_outside_of_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_progress, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(stage_progress, "create_progress_artifact", None)
    assert work(3) == 3


def test_progress_that_cannot_be_shown_is_a_warning_once(
    prefect_api: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise httpx.ConnectError("no server")

    monkeypatch.setattr(stage_progress, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(stage_progress, "create_progress_artifact", refuse)
    assert flow(task(work))(3) == 3
    assert caplog.text.count("progress cannot be shown: no server") == 1
