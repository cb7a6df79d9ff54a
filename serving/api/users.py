"""Lists and neighbours of users."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from nightschool.errors import NotFound
from serving.api.parameters import PROBLEMS, ListQuery, UserId
from serving.schemas import (
    Method,
    Problem,
    Recommendations,
    SimilarUsers,
    SimilarUsersAnswer,
    SimilarUsersData,
    SimilarUsersRequest,
)
from serving.service import Body, Service

router = APIRouter(tags=["users"], responses=PROBLEMS)

_JSON = "application/json"
_CACHED = "private, no-cache"
"""Browsers may keep an answer and must ask whether it still holds: an event or a release changes it at once."""


@router.get(
    "/v1/users/{user_id:path}/recommendations",
    response_model=Recommendations,
    responses={304: {"description": "The answer that the ETag names still holds."}},
)
async def recommendations(request: Request, user_id: UserId, query: Annotated[ListQuery, Query()]) -> Response:
    """A user's list, best first; for a user nobody knows, what their events or their audience make of it."""
    service: Service = request.app.state.service
    asked = query.asked()
    if service.is_quick(user_id, asked):
        body = service.body(user_id, asked)
    else:
        body = await run_in_threadpool(service.body, user_id, asked)
    return answer(request, body)


@router.get("/v1/users/{user_id:path}/similar")
async def similar_users(request: Request, user_id: UserId, method: Method = "combined") -> SimilarUsers:
    """The users most like one: by interests, by what both met, or by both."""
    service: Service = request.app.state.service
    return service.similar_users(user_id, method)


@router.post(
    "/similar-users/",
    response_model=SimilarUsersAnswer,
    responses={400: {"model": Problem, "description": "No user_handle."}},
)
async def similar_users_by_handle(request: Request, asked: SimilarUsersRequest) -> Response:
    """The ten users most like one, by interests and by what both met."""
    service: Service = request.app.state.service
    handle = asked.user_handle
    if handle is None or handle == "":
        return JSONResponse({"detail": "This field cannot be left blank!"}, HTTPStatus.BAD_REQUEST)
    try:
        found = service.similar_users(handle, "combined")
    except NotFound:
        return JSONResponse({"detail": f"User with user_handle: {str(handle)[:100]} not found"}, HTTPStatus.NOT_FOUND)
    data = SimilarUsersData(model_handle=found.release_id, similar_users=[user.user_id for user in found.users])
    return Response(SimilarUsersAnswer(request_data=handle, data=data).model_dump_json(), media_type=_JSON)


def answer(request: Request, body: Body) -> Response:
    """The body, or that the one which the client holds still stands."""
    headers = {"etag": body.tag, "cache-control": _CACHED, "vary": "authorization, cookie"}
    if body.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body.json, media_type=_JSON, headers=headers)
