"""The route that takes in which lists were seen."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Body, Request
from fastapi.openapi.models import Example

from nightschool.errors import NotFound
from serving import waiting
from serving.api.parameters import PROBLEMS, UNREADABLE, problem_response
from serving.caller import Caller
from serving.problem_types import ProblemType
from serving.schemas.common import EXAMPLE_LIST
from serving.schemas.impressions import Impression, ImpressionsTaken, OneOrSeveralImpressions
from serving.service import Service

router = APIRouter(tags=["events"], responses={**PROBLEMS, **UNREADABLE})

EXAMPLES: Final[dict[str, Example]] = {
    "one": {"value": {"list_id": EXAMPLE_LIST, "user_id": 14, "impression_id": "7c41"}},
    "several": {
        "value": {
            "impressions": [
                {"list_id": EXAMPLE_LIST, "user_id": 14, "places": [1, 2, 3], "at": "2026-01-31T18:00:00Z"},
                {"list_id": EXAMPLE_LIST, "user_id": 14, "places": [4, 5]},
            ]
        }
    },
}


@router.post(
    "/v1/impressions",
    summary="Say what was shown",
    status_code=HTTPStatus.CREATED,
    responses={409: problem_response("The impression's id belongs to another impression.", ProblemType.CONFLICT)},
)
async def take_impressions(
    request: Request, sent: Annotated[OneOrSeveralImpressions, Body(openapi_examples=EXAMPLES)]
) -> ImpressionsTaken:
    """Store that a list was seen, or several together; they are on the disk before this answers.

    The same impression_id again counts once. A list counts as shown from its first impression, or its first event, on.
    """
    service: Service = request.app.state.service
    caller: Caller = request.scope["caller"]
    impressions = [_of_caller(each, caller) for each in _several(sent)]
    return await waiting.write(service.take_impressions, impressions, caller.name)


def _several(sent: OneOrSeveralImpressions) -> list[Impression]:
    return [sent] if isinstance(sent, Impression) else sent.impressions


def _of_caller(impression: Impression, caller: Caller) -> Impression:
    """Return the impression; one without a user is of the user whom the key is for.

    Raises:
        NotFound: It is another user's.
    """
    if caller.user_id is None:
        return impression
    if impression.user_id is None:
        return impression.model_copy(update={"user_id": caller.user_id})
    if str(impression.user_id) != caller.user_id:
        do = "send impressions of the user whom this key is for"
        raise NotFound("no such user", seen=str(impression.user_id)[:100], do=do)
    return impression
