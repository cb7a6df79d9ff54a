"""Routes of lists that are asked for by a body: for a session, of given items, of many users."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import ValidationError

from nightschool.errors import NotFound
from serving import many_lists, sessions, waiting
from serving.answers import ListRequest
from serving.api.parameters import PROBLEMS, UNREADABLE
from serving.caller import Caller
from serving.schemas.asked import MOST_ITEMS_EACH, ManyRequest, RankRequest, SessionRequest
from serving.schemas.common import ExternalId
from serving.schemas.lists import ManyLists, RankedList, SessionList
from serving.service import Service
from serving.shown_lists import Origin, list_row

router = APIRouter(tags=["users"], responses={**PROBLEMS, **UNREADABLE})

_JSON: Final = "application/json"

_Made = tuple[dict[str, Any], Sequence[float]]
"""The fields of a list, and the chance of each item at its place."""


class PlainBodies(APIRoute):
    """A route that validates a plain JSON body by itself: the framework's way takes as long as half a list."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; whatever is not plain and valid is left to the framework, which says what is wrong."""
        parse = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.headers.get("content-type") != _JSON:
                return await parse(request)
            try:
                asked = SessionRequest.model_validate_json(await request.body())
            except ValidationError:
                return await parse(request)
            return await _recommend_to_session(request, asked)

        return handle


sessions_router = APIRouter(tags=["users"], responses={**PROBLEMS, **UNREADABLE}, route_class=PlainBodies)


@sessions_router.post("/v1/recommendations", summary="A list for a session", response_model=SessionList)
async def recommend_to_session(request: Request, asked: SessionRequest) -> Response:
    """Return a list for the items of a session, in their order, without a user; nothing is stored."""
    return await _recommend_to_session(request, asked)


async def _recommend_to_session(request: Request, asked: SessionRequest) -> Response:
    service: Service = request.app.state.service
    wanted = asked.asked()
    if sessions.is_quick(service.current.snapshot):
        fields, propensities = _session_list(service, asked.items, wanted, {})
    else:
        fields, propensities = await waiting.read(_session_list, service, asked.items, wanted, {})
    return _named(service, wanted, fields, propensities)


@router.post("/v1/rank", summary="Given items in order", response_model=RankedList)
async def rank_items(request: Request, asked: RankRequest) -> Response:
    """Return given items in the order that suits a user or a session; what may not be shown is told apart."""
    service: Service = request.app.state.service
    caller: Caller = request.scope["caller"]
    if asked.user_id is not None and caller.user_id not in (None, str(asked.user_id)):
        raise NotFound("no such user", seen=str(asked.user_id)[:100], do="ask for the user whom this key is for")
    return _named(service, asked.asked(), await waiting.read(_rank, service, asked))


@router.post("/v1/users/recommendations", summary="Lists of many users", response_model=ManyLists)
async def recommend_to_many(request: Request, asked: ManyRequest) -> Response:
    """Return the lists of many users, as an e-mail or an export needs them; each has its list_id."""
    service: Service = request.app.state.service
    wanted = service.policy.settled(asked.asked())
    wanted = wanted._replace(k=min(wanted.k, MOST_ITEMS_EACH))
    pools = await waiting.read(many_lists.pools_of, service, asked.user_ids, wanted)
    answers = [
        await waiting.read(many_lists.lists_of, service, pools, users, wanted)
        for users in many_lists.blocks(asked.user_ids)
    ]
    return Response(many_lists.encode(answers), media_type=_JSON)


def _session_list(service: Service, session: Sequence[ExternalId], asked: ListRequest, made: dict[str, _Made]) -> _Made:
    """Return a session's list, without what the scenarios above its own on the page show the session.

    Args:
        service: The service.
        session: Ids of items, the oldest first.
        asked: What the request asks.
        made: The lists of other scenarios of the page, by name: each is made once.
    """
    policy = service.policy
    settled, rules = policy.settled(asked), policy.rules_of(asked.scenario)
    for name in policy.above(asked.scenario):
        if name not in made:
            made[name] = _session_list(service, session, ListRequest(0, context=asked.context, scenario=name), made)
    shown = [entry["item_id"] for name in policy.above(asked.scenario) for entry in made[name][0]["items"]]
    left = rules.narrowed({"exclude": shown}) if shown else rules
    return sessions.session_list(service.current.snapshot, session, left, settled)


def _rank(service: Service, asked: RankRequest) -> dict[str, Any]:
    snapshot = service.current.snapshot
    if asked.user_id is None:
        state, _ = sessions.session_of(snapshot, asked.session)
    else:
        state = service.state_of(snapshot, asked.user_id)
    return sessions.ranked_list(snapshot, state, asked.items, service.policy.rules, asked.asked())


def _named(
    service: Service, asked: ListRequest, fields: dict[str, Any], propensities: Sequence[float] | None = None
) -> Response:
    """Return the answer, in which the list has an id by which it can be said that it was shown."""
    dataset = service.current.snapshot.binding.dataset
    origin = Origin(dataset, fields["release_id"], asked.scenario, tuned=asked.tuned)
    row = list_row(origin, fields.get("user_id"), fields["items"], propensities)
    service.shown.note(row)
    return Response(orjson.dumps({"list_id": row.list_id, **fields}), media_type=_JSON)
