"""The page over a made-up service, with the headers that every answer has."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response

from nightschool.settings import Settings
from serving.page.routes import router
from serving.security import HEADERS
from tests.serving.fakes import FakeService


def page_over(service: FakeService, home: Path | None = None) -> FastAPI:
    """The page; its operator's view is of the home."""
    app = FastAPI()
    app.state.service = service
    if home is not None:
        service.settings = Settings(home=home)

    @app.middleware("http")
    async def with_headers(request: Request, follow: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await follow(request)
        for name, value in HEADERS.items():
            answer.headers[name.decode()] = value.decode()
        return answer

    app.include_router(router)
    return app
