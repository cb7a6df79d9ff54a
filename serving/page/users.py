"""The pages of users, for those who may read all of them: search, one user's page, two settings side by side."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from nightschool.data.normalization.limits import LONGEST_ID
from serving.page import learner
from serving.page.answers import PageRoute, fragment_asked, page, segment, service_of
from serving.page.learner import Learner, ask, dials, learner_page, rows_of
from serving.page.view import View
from serving.schemas.events import EventType
from serving.user_search import search_users

_FOUND = 20

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/")
def find_users(request: Request, q: str = "") -> Response:
    """Show the users that a query finds; the first ones without a query."""
    found = search_users(service_of(request).current.snapshot, q, _FOUND + 1)
    variables: dict[str, Any] = {"q": q, "found": found[:_FOUND], "more": len(found) > _FOUND}
    return page(request, "_found.html" if fragment_asked(request) == "found" else "learners.html", **variables)


@router.get("/learner/{user_id:path}")
def show_user(request: Request, user_id: str, just: str = "", goal: str = "") -> Response:
    """Show a user's page, or the fragment of it that htmx requests."""
    return learner_page(request, _learner(user_id), "learner.html", just, goal)


@router.post("/learner/{user_id:path}/events")
async def take_event(
    request: Request,
    user_id: str,
    item_id: Annotated[str, Form(max_length=LONGEST_ID)],
    event: Annotated[EventType, Form()],
    once: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Store an event of a user and show the list after it."""
    return await learner.take_event(request, _learner(user_id), item_id, event, once)


@router.post("/learner/{user_id:path}/undo")
async def undo_event(request: Request, user_id: str, event_id: Annotated[str, Form(max_length=600)]) -> Response:
    """Undo an event of a user and show the list after it."""
    return await learner.undo_event(request, _learner(user_id), event_id)


@router.get("/compare/{user_id:path}")
def compare_settings(request: Request, user_id: str) -> Response:
    """Show one user's list under two settings, side by side."""
    left, right = (_one_side(request, user_id, side) for side in ("left", "right"))
    ranks = [{entry.item_id: entry.rank for entry in side["answer"].items} for side in (left, right)]
    left["rows"] = rows_of(left["answer"], ranks[1])
    right["rows"] = rows_of(right["answer"], ranks[0])
    variables = {
        "user_id": user_id,
        "sides": [left, right],
        "k": View.of(request.query_params).k,
        "in_both": len(ranks[0].keys() & ranks[1].keys()),
        **dials(request),
    }
    return page(request, "_sides.html" if fragment_asked(request) == "sides" else "compare.html", **variables)


def _one_side(request: Request, user_id: str, name: str) -> dict[str, Any]:
    view = View.of(request.query_params, f"{name}_")
    return {"name": name, "view": view, "answer": ask(request, user_id, view)}


def _learner(user_id: str) -> Learner:
    return Learner(user_id, f"/learner/{segment(user_id)}")
