"""Parameters that several routes share, with their bounds, and the problem responses of all routes."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import model_validator

from nightschool.data.normalization.limits import LONGEST_ID
from serving.answers import MOST_ITEMS
from serving.contexts import PREFIX
from serving.openapi import PROBLEM_SCHEMA
from serving.problem_types import ProblemType
from serving.problems import MEDIA_TYPE
from serving.schemas.asked import ListFields
from serving.schemas.common import Problem, Text

UserId = Annotated[str, Path(description="The user's id.", max_length=LONGEST_ID, examples=["14"])]
ItemId = Annotated[str, Path(description="The item's id.", max_length=LONGEST_ID, examples=["32"])]
Length = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many.", examples=[10])]


def problem_response(description: str, *kinds: ProblemType) -> dict[str, Any]:
    """Return the OpenAPI entry of a problem response, with an example of each type that it may have."""
    examples = {
        kind.slug: {
            "summary": kind.title,
            "value": Problem(
                type=kind.uri, title=kind.title, status=kind.status, detail=kind.meaning, request_id="9f1c"
            ).model_dump(),
        }
        for kind in kinds
    }
    return {"description": description, "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA, "examples": examples}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: problem_response("No key, or a revoked one.", ProblemType.NO_KEY),
    403: problem_response(
        "The key does not allow this, or a page of another site sent it.",
        ProblemType.ROLE_TOO_LOW,
        ProblemType.OTHER_USER,
        ProblemType.FOREIGN_PAGE,
        ProblemType.LOCAL_ONLY,
    ),
    404: problem_response("No such user, item or release.", ProblemType.NOT_FOUND),
    413: problem_response("The body is too large.", ProblemType.BODY_TOO_LARGE),
    414: problem_response("The address is too long.", ProblemType.ADDRESS_TOO_LONG),
    429: problem_response(
        "The key exceeds its request rate; Retry-After says when to ask again.", ProblemType.RATE_LIMITED
    ),
    422: problem_response(
        "A parameter is out of range, or does not fit the release.",
        ProblemType.INVALID_REQUEST,
        ProblemType.UNFIT_REQUEST,
    ),
    503: problem_response(
        "No release is published yet, or a database does not answer; see Retry-After.",
        ProblemType.UNAVAILABLE,
        ProblemType.OVERLOADED,
    ),
}

UNREADABLE: dict[int | str, dict[str, Any]] = {
    400: problem_response("The body cannot be read, such as one that is no text in UTF-8.", ProblemType.BAD_REQUEST)
}
"""The further problem response of routes that take a body."""

CONTEXT_PARAMETER: dict[str, Any] = {
    "name": f"{PREFIX}NAME",
    "in": "query",
    "required": False,
    "description": "A context's value, as in `context.device=mobile`; hour and weekday are those of the request.",
    "schema": {"type": "string", "maxLength": 512, "examples": ["mobile"]},
}
"""The OpenAPI entry of contexts, whose names a manifest declares."""


class ListQuery(ListFields):
    """The query parameters of a list."""

    context: dict[str, Text] = Query(default={}, max_length=20, include_in_schema=False)

    @model_validator(mode="before")
    @classmethod
    def _gather_contexts(cls, values: Any) -> Any:
        """Gather `context.NAME` parameters; those of no known kind are left to be refused."""
        if not isinstance(values, Mapping):
            return values
        contexts = {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
        others = {name: value for name, value in values.items() if not name.startswith(PREFIX)}
        return {**others, "context": contexts} if contexts else others
