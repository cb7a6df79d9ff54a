"""Routes of users' lists and similar users."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from nightschool.data.normalization.limits import LONGEST_ID
from nightschool.errors import NotFound, Unreachable
from serving import waiting
from serving.answers import EncodedList, ListRequest
from serving.api.parameters import CONTEXT_PARAMETER, PROBLEMS, ListQuery, UserId, problem_response
from serving.paths import LENGTH, LONGEST
from serving.problem_types import ProblemType
from serving.problems import problem
from serving.schemas.lists import Recommendations
from serving.schemas.paths import LearningPath
from serving.schemas.similar import Method, SimilarUsers, SimilarUsersAnswer, SimilarUsersData, SimilarUsersRequest
from serving.service import Service

router = APIRouter(tags=["users"], responses=PROBLEMS)

Neighbours = Annotated[
    Method,
    Query(description="Similar by interests, by common items (co_engagement), or by both.", examples=["interests"]),
]

Few = Annotated[int, Query(ge=1, le=10, description="How many; a release holds ten by each method.", examples=[5])]

Goal = Annotated[
    str,
    Query(min_length=1, max_length=LONGEST_ID, description="An item's id, or a skill by its name.", examples=["32"]),
]

PathLength = Annotated[int, Query(ge=1, le=LONGEST, description="The most steps to return.", examples=[10])]

_JSON: Final = "application/json"
_MOST_QUERIES: Final = 1000
_CACHED: Final = "private, no-cache"
"""Browsers may keep a response and must revalidate it: an event or a release changes it at once."""


class KnownQueries(APIRoute):
    """A route that validates each query string once: parsing takes longer than looking a list up.

    A query describes the form of a list, not its user, so that a few distinct ones repeat.
    """

    checked: ClassVar[dict[bytes, ListRequest]] = {}

    @classmethod
    def remember(cls, query: bytes, asked: ListRequest) -> None:
        """Cache the request that a valid query string describes."""
        if len(cls.checked) >= _MOST_QUERIES:
            cls.checked.clear()
        cls.checked[query] = asked

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which skips validation for query strings that are cached."""
        parse = super().get_route_handler()

        async def handle(request: Request) -> Response:
            asked = self.checked.get(request.scope["query_string"])
            user_id: str = request.path_params["user_id"]
            if asked is None or len(user_id) > LONGEST_ID:
                return await parse(request)
            return await _list(request, user_id, asked)

        return handle


lists = APIRouter(tags=["users"], responses=PROBLEMS, route_class=KnownQueries)


@lists.get(
    "/v1/users/{user_id:path}/recommendations",
    summary="A user's list",
    response_model=Recommendations,
    responses={304: {"description": "The response that the ETag names is still valid."}},
    openapi_extra={"parameters": [CONTEXT_PARAMETER]},
)
async def recommendations(request: Request, user_id: UserId, query: Annotated[ListQuery, Query()]) -> Response:
    """Return a user's list, best first; for a cold user, a list from their events or their audience."""
    asked = query.asked()
    if not asked.shown:
        KnownQueries.remember(request.scope["query_string"], asked)
    return await _list(request, user_id, asked)


async def _list(request: Request, user_id: str, asked: ListRequest) -> Response:
    service: Service = request.app.state.service
    found = service.lists.quick_body(user_id, asked)
    return answer(request, found if found is not None else await waiting.read(service.lists.body, user_id, asked))


@router.get("/v1/users/{user_id:path}/similar", summary="Users similar to a user")
async def similar_users(
    request: Request, user_id: UserId, method: Neighbours = "combined", k: Few = 10
) -> SimilarUsers:
    """Return the users most similar to a user, by interests, by common items, or by both."""
    service: Service = request.app.state.service
    return await waiting.read(service.similar_users, user_id, method, k)


@router.get("/v1/users/{user_id:path}/path", summary="A path to an item or a skill")
async def learning_path(request: Request, user_id: UserId, goal: Goal, length: PathLength = LENGTH) -> LearningPath:
    """Return the items to complete, in order, between what a user has completed and an item or a skill.

    Declared prerequisites come first, and difficulty rises by one level at most. A goal that cannot be reached is
    answered with the reason in `outcome` and `message`, and one that the catalogue does not hold with 404.
    """
    service: Service = request.app.state.service
    return await waiting.read(service.learning_path, user_id, goal, length)


@router.post(
    "/similar-users/",
    summary="Users similar to a user, by handle",
    response_model=SimilarUsersAnswer,
    responses={400: problem_response("No user_handle, or a body that cannot be read.", ProblemType.BAD_REQUEST)},
)
async def similar_users_by_handle(request: Request, asked: SimilarUsersRequest) -> Response:
    """Return the ten users most similar to a user, by interests and common items together."""
    service: Service = request.app.state.service
    handle = asked.user_handle
    if handle is None or handle == "":
        return problem(request, ProblemType.BAD_REQUEST, "This field cannot be left blank!")
    try:
        found = await waiting.read(service.similar_users, handle, "combined")
    except Unreachable:
        raise
    except NotFound:
        return problem(request, ProblemType.NOT_FOUND, f"User with user_handle: {str(handle)[:100]} not found")
    data = SimilarUsersData(model_handle=found.release_id, similar_users=[user.user_id for user in found.users])
    return Response(SimilarUsersAnswer(request_data=handle, data=data).model_dump_json(), media_type=_JSON)


def answer(request: Request, body: EncodedList) -> Response:
    """Return the list, or 304 Not Modified where the client holds the same."""
    headers = {"etag": f"W/{body.tag}", "cache-control": _CACHED, "vary": "authorization, cookie"}
    held = request.headers.get("if-none-match", "")
    if held.strip() == "*" or body.tag in held:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body.json, media_type=_JSON, headers=headers)
