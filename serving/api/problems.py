"""The route that says what the type of a problem document means."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from nightschool.errors import NotFound
from serving.api.parameters import problem_response
from serving.page.answers import page
from serving.problem_types import BY_SLUG, ProblemType
from serving.problems import is_for_people
from serving.schemas.common import ProblemDescription

router = APIRouter(tags=["problems"])

Slug = Annotated[str, Path(description="The end of a problem's type.", max_length=64, examples=["not-found"])]

_LONGEST: Final = 100


@router.get(
    "/problems/{slug}",
    summary="What a type of problem means",
    response_model=ProblemDescription,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        404: problem_response("No such type of problem.", ProblemType.NOT_FOUND),
        422: problem_response("The name is too long.", ProblemType.INVALID_REQUEST),
    },
)
def describe_problem(request: Request, slug: Slug) -> Response:
    """Say what a type of problem means and what to do: a page for browsers, JSON for all others."""
    kind = BY_SLUG.get(slug)
    if kind is None:
        raise NotFound("no such type of problem", seen=slug[:_LONGEST], do=f"choose one: {', '.join(BY_SLUG)}")
    described = ProblemDescription(
        type=kind.uri, title=kind.title, status=kind.status, meaning=kind.meaning, remedy=kind.remedy
    )
    if is_for_people(request.headers):
        answer: Response = page(request, "problem_type.html", described=described)
    else:
        answer = Response(described.model_dump_json(), media_type="application/json")
    answer.headers.append("vary", "Accept")
    return answer
