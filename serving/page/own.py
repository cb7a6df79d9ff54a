"""The page of a key for one user: their own list, history, path and events, and nothing of others."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from nightschool.data.normalization.limits import LONGEST_ID
from nightschool.errors import ConfigurationError
from serving.page import learner
from serving.page.answers import OWN, START, PageRoute, caller_of
from serving.page.learner import Learner, learner_page
from serving.schemas.events import EventType

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get(OWN)
def show_own(request: Request, just: str = "", goal: str = "") -> Response:
    """Show the page of the key's user, or the fragment of it that htmx requests; other keys find users instead."""
    if caller_of(request).user_id is None:
        return RedirectResponse(START, 303)
    return learner_page(request, _learner(request), "own.html", just, goal)


@router.post(f"{OWN}/events")
async def take_event(
    request: Request,
    item_id: Annotated[str, Form(max_length=LONGEST_ID)],
    event: Annotated[EventType, Form()],
    once: Annotated[str, Form(max_length=64)] = "",
    list_id: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Store an event of the key's user and show the list after it."""
    return await learner.take_event(request, _learner(request), item_id, event, once, list_id)


@router.post(f"{OWN}/impressions")
async def take_impression(
    request: Request,
    list_id: Annotated[str, Form(max_length=64)],
    once: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Store that the key's user saw the list."""
    return await learner.take_impression(request, _learner(request), list_id, once)


@router.post(f"{OWN}/undo")
async def undo_event(request: Request, event_id: Annotated[str, Form(max_length=600)]) -> Response:
    """Undo an event of the key's user and show the list after it."""
    return await learner.undo_event(request, _learner(request), event_id)


def _learner(request: Request) -> Learner:
    """Return the user of the key.

    Raises:
        ConfigurationError: The key is for all users.
    """
    user_id = caller_of(request).user_id
    if user_id is None:
        raise ConfigurationError("this key is for no one user", do="open a learner's page")
    return Learner(user_id, OWN)
