"""Responses to refused requests: a problem document, a redirect to where the caller may go, or an error page."""

from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from serving.page.answers import OWN, START, segment
from serving.problem_types import ProblemType
from serving.problems import is_for_people, problem
from serving.security import Refusal


def refused(request: Request, refusal: Refusal) -> Response:
    """Return the response to a refused request."""
    if refusal.kind is ProblemType.OTHER_USER and request.url.path == START and is_for_people(request.headers):
        return RedirectResponse(OWN, HTTPStatus.SEE_OTHER)
    if refusal.status != HTTPStatus.UNAUTHORIZED or not is_for_people(request.headers):
        return problem(request, refusal.kind, refusal.detail, refusal.headers)
    if "hx-request" in request.headers:
        # A fragment cannot be redirected; htmx then opens the form as a page.
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/sign-in"})
    wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    return RedirectResponse(f"/sign-in?next={segment(wanted)}" if request.method == "GET" else "/sign-in", 303)
