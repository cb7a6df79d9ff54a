"""Pages rendered from templates that escape everything: whole, or the fragment that htmx requests."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined

from nightschool.errors import NightschoolError
from serving.caller import ANYBODY, Caller
from serving.page.advice import advice_of
from serving.page.static import asset_path
from serving.problem_types import ProblemType, kind_of
from serving.service import Service

_HEADERS = {"Cache-Control": "no-store", "Vary": "HX-Request, HX-Target"}

START: Final = "/"
"""The first page of a key for all users."""

OWN: Final = "/me"
"""The first page of a key for one user."""

RETRY_SECONDS = "2"
"""Value of Retry-After where a request cannot be answered now."""

_DONE: Final = {"like": "liked", "complete": "done", "hide": "hidden", "dislike": "disliked", "view": "viewed"}
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
                return problem(request, kind_of(error), str(error))
            except RequestValidationError as error:
                messages = (f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
                return problem(request, ProblemType.INVALID_REQUEST, "; ".join(messages))

        return answer


def service_of(request: Request) -> Service:
    """Return the service behind the pages."""
    service: Service = request.app.state.service
    return service


def page(request: Request, template: str, status: int = 200, **variables: Any) -> HTMLResponse:
    """Render a template with its variables, and what every template may ask: what the caller may do.

    Args:
        request: The request.
        template: The name of the template.
        status: The status of the response.
        variables: What the template shows; `own` is kept for whether the key is for one user, who then reads the page.
    """
    caller = caller_of(request)
    known = {
        "may_read": caller.may("read"),
        "may_send": caller.may("events"),
        "may_operate": caller.may("operate"),
        "own": caller.user_id is not None,
        "landing": START if caller.user_id is None else OWN,
    }
    body = _templates.get_template(template).render(request=request, now=datetime.now(UTC), **known, **variables)
    return HTMLResponse(body, status, _HEADERS)


def caller_of(request: Request) -> Caller:
    """Return the caller of a request."""
    caller: Caller = request.scope.get("caller", ANYBODY)
    return caller


def problem(request: Request, kind: ProblemType, sentence: str) -> HTMLResponse:
    """Return an error page; for htmx only the message, which it shows in the notice area.

    Args:
        request: The request.
        kind: The kind of refusal.
        sentence: What is wrong.
    """
    name = "problem.html" if fragment_asked(request) is None else "_problem.html"
    told = {"kind": kind, "advice": advice_of(kind.status), "request_id": request.scope.get("request_id", "")}
    query = f"?{request.url.query}" if request.url.query else ""
    told["address"] = f"{quote(request.scope['path'])}{query}"
    answer = page(request, name, kind.status, sentence=sentence, **told)
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
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


def done(event: str) -> str:
    """Say what an event was, as it stands beside an item."""
    return _DONE.get(event, event)


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
    environment.filters |= {"segment": segment, "day": day, "minute": minute, "words": words, "done": done}
    environment.globals |= {"asset": asset_path, "ago": ago}
    return environment


_templates = _environment()
