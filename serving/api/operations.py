"""Routes of releases, health, readiness and metrics."""

import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from serving.api.parameters import PROBLEMS
from serving.night_figures import NightFigures
from serving.operations import release_detail, release_entries
from serving.schemas.releases import Health, Ready, ReleaseDetail, ReleaseList
from serving.service import Service
from serving.telemetry import MULTIPROCESS, RELEASE_AGE, exposition

router = APIRouter(tags=["operations"])

ReleaseId = Annotated[str, Path(description="The release's id.", max_length=64, examples=["2026-11-27-1a2b3c4d"])]


@router.get("/v1/releases", summary="Every release", responses=PROBLEMS)
def releases(request: Request) -> ReleaseList:
    """List every release, oldest first."""
    service: Service = request.app.state.service
    return ReleaseList(releases=release_entries(service.current.lake()))


@router.get("/v1/releases/{release_id}", summary="One release", responses=PROBLEMS)
def release(request: Request, release_id: ReleaseId) -> ReleaseDetail:
    """Return one release: recipe, gates, row counts and content hashes."""
    service: Service = request.app.state.service
    return release_detail(service.current.lake(), release_id)


@router.get("/health", summary="Whether the server runs")
async def health() -> Health:
    """Answer that the process runs."""
    return Health()


@router.get(
    "/ready",
    summary="Whether lists can be served",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "The reasons why not."}},
)
async def ready(request: Request) -> Response:
    """Report whether lists can be served, and how old they are."""
    state = readiness(request.app.state.service)
    status = HTTPStatus.OK if state.ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(state.model_dump(mode="json"), status)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse, responses=PROBLEMS)
def metrics(request: Request) -> Response:
    """Export metrics for Prometheus."""
    age = readiness(request.app.state.service).release_age_seconds
    if age is not None:
        RELEASE_AGE.set(age)
    figures: NightFigures = request.app.state.night_figures
    text = exposition(os.environ.get(MULTIPROCESS)) + figures.exposition()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def readiness(service: Service) -> Ready:
    """Return which release is served, and the seconds since its T, up to which it knows the data."""
    troubles = service.troubles
    if not service.current.opened:
        reasons = troubles or ["no release is published yet; run `nightschool retrain` first"]
        return Ready(ready=False, reasons=reasons, release_id=None, as_of=None, release_age_seconds=None)
    release = service.current.snapshot.release
    age = (datetime.now(UTC) - release.as_of).total_seconds()
    return Ready(
        ready=not troubles,
        reasons=[*troubles, *service.warnings],
        release_id=release.release_id,
        as_of=release.as_of,
        release_age_seconds=round(age, 1),
    )
