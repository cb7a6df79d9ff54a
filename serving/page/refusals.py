"""Refusals as people meet them: the way to sign in, or a page that says why not."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from serving.page.answers import problem, segment
from serving.security import Refusal


def is_for_people(headers: Mapping[str, str]) -> bool:
    """Whether a browser shows the answer to somebody.

    Args:
        headers: By their names in lower case.
    """
    return "text/html" in headers.get("accept", "") or headers.get("hx-request") == "true"


def refused(request: Request, refusal: Refusal) -> Response:
    """The answer to a request that goes no further."""
    if refusal.status != HTTPStatus.UNAUTHORIZED:
        return problem(request, refusal.status, refusal.detail)
    if "hx-request" in request.headers:
        # A fragment cannot be redirected; htmx then opens the form as a page.
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/sign-in"})
    wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    return RedirectResponse(f"/sign-in?next={segment(wanted)}" if request.method == "GET" else "/sign-in", 303)
