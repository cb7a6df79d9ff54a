"""The ASGI application of a server: routes, middleware and error handlers."""

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from nightschool.errors import NightschoolError
from nightschool.settings import Settings
from serving.api import routes as api
from serving.cors import parse_origins
from serving.middleware import App, Middleware
from serving.night_figures import NightFigures
from serving.openapi import TAGS, VERSION, DocumentedApp
from serving.page import routes as page
from serving.problem_types import ProblemType, kind_of
from serving.problems import FAILED, problem
from serving.schemas.events import KINDS
from serving.security import Guard
from serving.service import LISTS, Service
from serving.telemetry import MULTIPROCESS, log_as_json

_OF_STATUS: Final = {
    HTTPStatus.NOT_FOUND: ProblemType.UNKNOWN_ADDRESS,
    HTTPStatus.METHOD_NOT_ALLOWED: ProblemType.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ProblemType.BODY_TOO_LARGE,
}
"""What the framework refuses by a status alone; a body that it cannot read is a bad request."""

_DESCRIPTION: Final = """Recommendations that the last night published, and what users did since.

Errors are problem documents (RFC 9457): their `type` is a path of this server that says what it means, and `request_id`
finds the request in the log. Answers made from a release hold its `release_id`."""


def create() -> App:
    """Create the application of one server worker, over the home that the settings name."""
    log_as_json()
    folder = os.environ.get(MULTIPROCESS)
    service = Service(Settings(), Path(folder) if folder else None)
    # What a release holds stays until the next one: looking for garbage among it holds every request up, for 200 ms.
    service.current.when_changed = gc.freeze
    gc.freeze()
    return with_middleware(service)


def with_middleware(service: Service) -> App:
    """Wrap the application of a service in the middleware that checks and logs requests."""
    origins = parse_origins(service.settings.cors_origins)
    return Middleware(application(service), Guard(service.keyring, service.shared, origins), origins)


def application(service: Service) -> FastAPI:
    """Create the FastAPI application with all routes over a service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with service.upkeep.running():
            yield
        service.upkeep.attempt(LISTS)

    app = DocumentedApp(
        title="Nightschool",
        description=_DESCRIPTION,
        version=VERSION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.night_figures = NightFigures(service.settings.paths)
    for router in (*api.ROUTERS, page.router):
        app.include_router(router)
    app.add_exception_handler(NightschoolError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_failure)
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    """Turn an expected error into a problem document."""
    return problem(request, kind_of(error), str(error))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """Turn the faults that FastAPI found in a request into a problem document."""
    faults = cast(RequestValidationError, error).errors()[:5]
    return problem(request, ProblemType.INVALID_REQUEST, "; ".join(map(_sentence, faults)))


def _sentence(fault: dict[str, Any]) -> str:
    """Say where a fault is, what should be there and, unless it is a whole body, what was seen."""
    place, seen = ".".join(str(part) for part in fault["loc"] if part not in KINDS), fault.get("input")
    saw = f" (saw {str(seen)[:100]!r})" if isinstance(seen, str | int | float) else ""
    return f"{place}: {fault['msg']}{saw}"


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Turn an HTTP error of the framework, such as an unknown path, into a problem document."""
    refusal = cast(HTTPException, error)
    if request.method == "OPTIONS" and refusal.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (refusal.headers or {}).get("Allow", "")
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"allow": f"{allowed}, HEAD, OPTIONS"})
    kind = _OF_STATUS.get(HTTPStatus(refusal.status_code), ProblemType.BAD_REQUEST)
    return problem(request, kind, str(refusal.detail), refusal.headers)


async def _answer_failure(request: Request, _: Exception) -> Response:
    """Answer a request that failed by a defect; the middleware logs the error."""
    return problem(request, ProblemType.INTERNAL_ERROR, FAILED)
