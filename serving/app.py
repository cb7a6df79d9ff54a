"""The application that a server runs: routes, what stands around them, and the thread that keeps them current."""

import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from nightschool.errors import Busy, Conflict, NightschoolError, NotFound, Unreachable
from nightschool.settings import Settings
from nightschool.storage.lake import UNREADABLE
from serving.api import events, items, operations, users
from serving.api.parameters import problem
from serving.frame import App, Frame
from serving.night_figures import NightFigures
from serving.page import routes as page
from serving.security import Guard
from serving.service import Service
from serving.telemetry import log_as_json

logger = logging.getLogger("nightschool.serving")

REFRESH_SECONDS: Final = 0.25
"""How often other processes' events and releases are looked for."""

_STATUS: Final = {
    Unreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Busy: HTTPStatus.CONFLICT,
}


def create() -> App:
    """The application over the home that the settings name, as a server's worker starts it."""
    log_as_json()
    return framed(Service(Settings()))


def framed(service: Service) -> App:
    """The application over a service, and all that stands around it."""
    return Frame(application(service), Guard(service.keys))


def application(service: Service) -> FastAPI:
    """The routes over a service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with _refreshing(service):
            yield

    app = FastAPI(
        title="Nightschool",
        description="Recommendations that the last night published, and what users did since.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.night_figures = NightFigures(service.settings.paths)
    for router in (users.lists, users.router, items.router, events.router, operations.router, page.router):
        app.include_router(router)
    app.add_exception_handler(NightschoolError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


@contextmanager
def _refreshing(service: Service) -> Iterator[None]:
    """A context in which a thread keeps a service current; what it cannot read it tells once, and tries again."""
    over = threading.Event()

    def run() -> None:
        told = ""
        while not over.wait(REFRESH_SECONDS):
            try:
                service.refresh()
            except (NightschoolError, *UNREADABLE) as error:
                if str(error) != told:
                    logger.warning("what changed since cannot be read now: %s", error)
                told = str(error)
            else:
                told = ""

    thread = threading.Thread(target=run, name="refresh", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        service.trial.flush()


async def _told(_: Request, error: Exception) -> JSONResponse:
    """An expected error as an answer."""
    status = next(
        (status for kind, status in _STATUS.items() if isinstance(error, kind)), HTTPStatus.UNPROCESSABLE_ENTITY
    )
    return problem(str(error), status)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """What FastAPI says of a request that is not of the form, as one sentence."""
    faults = cast(RequestValidationError, error).errors()[:5]
    told = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults]
    return problem("; ".join(told), HTTPStatus.UNPROCESSABLE_ENTITY)
