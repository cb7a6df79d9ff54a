"""Problem responses: a document (RFC 9457) for programs, a page for browsers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import Request, Response

from serving.page.answers import RETRY_SECONDS
from serving.page.answers import problem as page_of
from serving.problem_types import ProblemType
from serving.schemas.common import Problem, as_text

MEDIA_TYPE: Final = "application/problem+json"
FAILED: Final = "the server failed to answer; its log has the error under this request id"


def document(kind: ProblemType, detail: str, request_id: str) -> bytes:
    """Encode the document."""
    problem_document = Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=as_text(detail),
        request_id=request_id,
    )
    return orjson.dumps(problem_document.model_dump())


def problem(request: Request, kind: ProblemType, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem document (RFC 9457) as a response."""
    more = {"cache-control": "no-store", **(headers or {})}
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.setdefault("retry-after", RETRY_SECONDS)
    if is_for_people(request.headers):
        answer: Response = page_of(request, kind, detail)
        answer.headers.update(more)
        return answer
    body = document(kind, detail, request.scope.get("request_id", ""))
    return Response(body, kind.status, more, MEDIA_TYPE)


def is_for_people(headers: Mapping[str, str]) -> bool:
    """Return whether the client is a browser that shows the response to a person.

    Args:
        headers: By their names in lower case.
    """
    return "text/html" in headers.get("accept", "") or headers.get("hx-request") == "true"
