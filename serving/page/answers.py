"""Pages rendered from templates that escape everything: whole, or the fragment that htmx requests."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined

from nightschool.errors import Busy, ConfigurationError, GateRefused, NightschoolError, NotFound, Unreachable
from serving.caller import ANYBODY, Caller
from serving.page.static import asset_path

_HEADERS = {"Cache-Control": "no-store", "Vary": "HX-Request, HX-Target"}
_STATUS: tuple[tuple[type[NightschoolError], int], ...] = (
    (Unreachable, 503),
    (NotFound, 404),
    (Busy, 503),
    (GateRefused, 409),
    (ConfigurationError, 400),
)
RETRY_SECONDS = "2"
"""Value of Retry-After where a request cannot be answered now."""

_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


class PageRoute(APIRoute):
    """A route that answers errors with pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler, which turns errors into pages."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except NightschoolError as error:
                status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
                return problem(request, status, str(error))
            except RequestValidationError as error:
                messages = (f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
                return problem(request, 422, "; ".join(messages))

        return answer


def page(request: Request, template: str, status: int = 200, **variables: Any) -> HTMLResponse:
    """Render a template with its variables."""
    caller = caller_of(request)
    may = {"may_send": caller.may("events"), "may_operate": caller.may("operate"), "own": caller.user_id is not None}
    body = _templates.get_template(template).render(request=request, now=datetime.now(UTC), **may, **variables)
    return HTMLResponse(body, status, _HEADERS)


def caller_of(request: Request) -> Caller:
    """Return the caller of a request."""
    caller: Caller = request.scope.get("caller", ANYBODY)
    return caller


def problem(request: Request, status: int, sentence: str) -> HTMLResponse:
    """Return an error page; for htmx only the message, which it shows in the notice area."""
    name = "problem.html" if fragment_asked(request) is None else "_problem.html"
    answer = page(request, name, status, sentence=sentence)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = RETRY_SECONDS
    return answer


def fragment_asked(request: Request) -> str | None:
    """Return the id of the fragment that htmx requests; None for a whole page."""
    wanted = request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers
    return request.headers.get("HX-Target") if wanted else None


def segment(value: object) -> str:
    """Quote an id as one segment of a path, slashes included."""
    return quote(str(value), safe="")


def ago(then: datetime, now: datetime) -> str:
    """Say in words how long before now an instant was."""
    seconds = (now - then).total_seconds()
    for length, name in _STEPS:
        count = int(seconds // length)
        if count >= 1:
            return f"{count:,} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def day(instant: datetime) -> str:
    """Format the day of an instant, UTC."""
    return f"{instant.astimezone(UTC):%-d %b %Y}"


def minute(instant: datetime) -> str:
    """Format day and time of an instant, UTC."""
    return f"{instant.astimezone(UTC):%-d %b %Y, %H:%M}"


def words(code: str) -> str:
    """Turn a code into words."""
    return code.replace("_", " ")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("serving"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"segment": segment, "day": day, "minute": minute, "words": words}
    environment.globals |= {"asset": asset_path, "ago": ago}
    return environment


_templates = _environment()
