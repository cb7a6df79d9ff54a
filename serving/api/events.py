"""Taking in what users do."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Body, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import Example

from serving.api.parameters import PROBLEMS
from serving.schemas import Event, Events, EventsTaken, Problem, Text
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
    status_code=HTTPStatus.CREATED,
    responses={409: {"model": Problem, "description": "The event's id stands for another event."}},
)
async def take_events(
    request: Request,
    sent: Annotated[Event | Events, Body(openapi_examples=EXAMPLES)],
    idempotency_key: Annotated[Text | None, Header(description="Stands for the event_id of a single event.")] = None,
) -> EventsTaken:
    """Takes in one event or several together; they are on the disk before this answers.

    The same event_id again counts once. The user's next list knows of it.
    """
    service: Service = request.app.state.service
    events = sent.events if isinstance(sent, Events) else [_named(sent, idempotency_key)]
    taken = await run_in_threadpool(service.take_events, events)
    for event in events:
        EVENTS.labels(event.event).inc()
    return taken


def _named(event: Event, idempotency_key: str | None) -> Event:
    if event.event_id is not None or idempotency_key is None:
        return event
    return event.model_copy(update={"event_id": idempotency_key})
