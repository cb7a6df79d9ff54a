"""Routes that store users' events and undo them."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Body, Header, Path, Request
from fastapi.openapi.models import Example

from nightschool.errors import NotFound
from serving import waiting
from serving.api.parameters import PROBLEMS, UNREADABLE, problem_response
from serving.caller import Caller
from serving.problem_types import ProblemType
from serving.schemas.common import Text
from serving.schemas.events import Event, Events, EventsTaken, EventUndone, OneOrSeveral
from serving.service import Service
from serving.telemetry import EVENTS

router = APIRouter(tags=["events"], responses=PROBLEMS)

EXAMPLES: Final[dict[str, Example]] = {
    "one": {"value": {"user_id": 14, "item_id": 32, "event": "like", "event_id": "3f2a"}},
    "several": {
        "value": {
            "events": [
                {"user_id": 14, "item_id": 32, "event": "complete", "at": "2026-01-31T18:00:00Z"},
                {"user_id": 15, "item_id": 7, "event": "hide"},
            ]
        }
    },
}


@router.post(
    "/v1/events",
    summary="Send events",
    status_code=HTTPStatus.CREATED,
    responses={**UNREADABLE, 409: problem_response("The event's id belongs to another event.", ProblemType.CONFLICT)},
)
async def take_events(
    request: Request,
    sent: Annotated[OneOrSeveral, Body(openapi_examples=EXAMPLES)],
    idempotency_key: Annotated[
        Text | None,
        Header(
            description="Used as the event_id of a single event, and as a prefix of those of several.",
            examples=["3f2a"],
        ),
    ] = None,
) -> EventsTaken:
    """Store one event or several together; they are on the disk before this answers.

    The same event_id again counts once. The user's next list reflects the event.
    """
    service: Service = request.app.state.service
    caller: Caller = request.scope["caller"]
    events = _timed(_named(sent, idempotency_key), sent)
    others = [event.user_id for event in events if caller.user_id not in (None, str(event.user_id))]
    if others:
        raise NotFound("no such user", seen=str(others[0])[:100], do="send events of the user whom this key is for")
    taken = await waiting.write(service.take_events, events, caller.name)
    for event in events:
        EVENTS.labels(event.event).inc()
    return taken


@router.delete("/v1/events/{event_id:path}", summary="Undo an event")
async def undo_event(
    request: Request,
    event_id: Annotated[
        str, Path(description="The event's id, as the response to it gave it.", max_length=600, examples=["3f2a"])
    ],
) -> EventUndone:
    """Undo an event; this is on the disk before the answer, and repeating it has no further effect.

    The user's next list is made without it.
    """
    service: Service = request.app.state.service
    caller: Caller = request.scope["caller"]
    return await waiting.write(service.undo_event, event_id, caller.user_id, caller.name)


def _timed(events: list[Event], sent: Event | Events) -> list[Event]:
    """Return the events; those without `sent_at` get that of the request."""
    return [event if event.sent_at else event.model_copy(update={"sent_at": sent.sent_at}) for event in events]


def _named(sent: Event | Events, idempotency_key: str | None) -> list[Event]:
    """Return the events; those without an id get the idempotency key, with their position where there are several."""
    if isinstance(sent, Event):
        events, names = [sent], [idempotency_key]
    else:
        events = sent.events
        names = [None if idempotency_key is None else f"{idempotency_key}/{place}" for place in range(len(events))]
    return [
        event if event.event_id is not None or name is None else event.model_copy(update={"event_id": name})
        for event, name in zip(events, names, strict=True)
    ]
