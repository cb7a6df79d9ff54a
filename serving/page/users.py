"""The page of a user: their list with reasons, their history, similar users."""

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from nightschool.data.normalization.limits import LONGEST_ID
from nightschool.errors import NotFound
from nightschool.vocabulary import TIME_CONTEXTS
from serving import waiting
from serving.answers import ListRequest
from serving.contexts import Values
from serving.page.answers import PageRoute, caller_of, fragment_asked, page, segment
from serving.page.view import LENGTHS, METHODS, View
from serving.paths import LENGTH
from serving.schemas.events import Event, EventType
from serving.schemas.impressions import Impression
from serving.schemas.lists import Recommendations, Recommended
from serving.schemas.similar import SimilarUsers
from serving.service import Service
from serving.user_search import search_users

_FOUND = 20
_HISTORY = 12
_NEXT = 3
_MIDDLE = 0.5
_SKILLS = 100
"""How many skills the field of a goal offers."""
_SAID = {
    "like": "Liked. The list is up to date.",
    "complete": "Marked as done. The list is up to date.",
    "hide": "Hidden. It will not be shown again.",
    "undo": "Taken back. The list is up to date.",
}

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class Row(NamedTuple):
    """An entry of a list as the page shows it.

    Attributes:
        bar: Length of the bar of its score, 0–1.
        elsewhere: Its rank in the other list; None where that lacks it.
    """

    item: Recommended
    bar: float
    elsewhere: int | None = None


@router.get("/")
def find_users(request: Request, q: str = "") -> Response:
    """Show the users that a query finds; the first ones without a query."""
    found = search_users(_service(request).current.snapshot, q, _FOUND + 1)
    variables: dict[str, Any] = {"q": q, "found": found[:_FOUND], "more": len(found) > _FOUND}
    return page(request, "_found.html" if fragment_asked(request) == "found" else "learners.html", **variables)


@router.get("/learner/{user_id:path}")
def show_user(request: Request, user_id: str, just: str = "", undo: str = "", goal: str = "") -> Response:
    """Show a user's page, or the fragment of it that htmx requests."""
    view = View.of(request.query_params)
    part = fragment_asked(request)
    if part == "similar" and caller_of(request).user_id is None:
        return page(request, "_similar.html", user_id=user_id, view=view, **_similar(request, user_id, view))
    if part == "path":
        return page(request, "_path.html", user_id=user_id, **_path(request, user_id, goal))
    variables = _list(request, user_id, view)
    if part == "list":
        return page(request, "_list.html", said="", **variables)
    about = _service(request).current.snapshot.attributes(variables["answer"].user_id) or {}
    variables |= {"about": about, **_past(request, user_id), **_similar(request, user_id, view)}
    variables |= _path(request, user_id, goal)
    return page(request, "learner.html", said=_SAID.get(just, ""), undo=undo, **variables)


@router.post("/learner/{user_id:path}/events")
async def take_event(
    request: Request,
    user_id: str,
    item_id: Annotated[str, Form(max_length=LONGEST_ID)],
    event: Annotated[EventType, Form()],
    once: Annotated[str, Form(max_length=64)] = "",
    list_id: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Store an event and show the list after it: the changed fragments for htmx, else a redirect to the page."""
    event_id = _event_id(once, user_id, item_id, event)
    context = _context(request, View.of(request.query_params))
    declared = {name: value for name, value in context if name not in TIME_CONTEXTS}
    what = {"item_id": item_id, "event": event, "event_id": event_id, "list_id": list_id or None}
    sent = Event.model_validate({"user_id": user_id, **what, "context": declared})
    taken = await waiting.write(_service(request).take_events, [sent], caller_of(request).name)
    return await waiting.read(_changed, request, user_id, event, taken.events[0].event_id)


@router.post("/learner/{user_id:path}/impressions")
async def take_impression(
    request: Request,
    user_id: str,
    list_id: Annotated[str, Form(max_length=64)],
    once: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Store that a learner saw the list of their own page; an operator's look is none."""
    caller = caller_of(request)
    if caller.user_id is not None:
        shown = Impression(list_id=list_id, user_id=user_id, impression_id=_event_id(once, user_id, list_id, "shown"))
        await waiting.write(_service(request).take_impressions, [shown], caller.name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/learner/{user_id:path}/undo")
async def undo_event(request: Request, user_id: str, event_id: Annotated[str, Form(max_length=600)]) -> Response:
    """Undo an event and show the list after it: the changed fragments for htmx, else a redirect to the page."""
    await waiting.write(_service(request).undo_event, event_id, user_id, caller_of(request).name)
    return await waiting.read(_changed, request, user_id, "undo", "")


def _changed(request: Request, user_id: str, just: str, undo: str) -> Response:
    view = View.of(request.query_params)
    if fragment_asked(request) is None:
        return RedirectResponse(f"/learner/{segment(user_id)}{view.query(just=just, undo=undo or None)}#list", 303)
    variables = _list(request, user_id, view)
    return page(request, "_changed.html", said=_SAID.get(just, ""), undo=undo, **variables, **_past(request, user_id))


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
        **_dials(request),
    }
    return page(request, "_sides.html" if fragment_asked(request) == "sides" else "compare.html", **variables)


def rows_of(answer: Recommendations, elsewhere: dict[Any, int] | None = None) -> list[Row]:
    """Pair a list's entries with the lengths of their bars; the best entry's bar is full."""
    scores = [entry.score for entry in answer.items]
    bars = _bars(scores)
    ranks = elsewhere or {}
    return [Row(entry, bar, ranks.get(entry.item_id)) for entry, bar in zip(answer.items, bars, strict=True)]


def _bars(scores: Sequence[float]) -> list[float]:
    """Scale scores to 0–1 of the best one; where some are negative, from a little below the worst one."""
    if not scores:
        return []
    floor = 0.0 if min(scores) >= 0 else min(scores) - 0.05 * (max(scores) - min(scores))
    height = max(scores) - floor
    return [(score - floor) / height if height > 0 else 1.0 for score in scores]


def _one_side(request: Request, user_id: str, name: str) -> dict[str, Any]:
    view = View.of(request.query_params, f"{name}_")
    return {"name": name, "view": view, "answer": _ask(request, user_id, view)}


def _list(request: Request, user_id: str, view: View) -> dict[str, Any]:
    answer = _ask(request, user_id, view)
    return {
        "user_id": user_id,
        "view": view,
        "answer": answer,
        "rows": rows_of(answer),
        **_dials(request),
        "contexts": _service(request).current.snapshot.contexts.choices(),
        "chosen": dict(view.context),
        "once": token_urlsafe(12),
    }


def _dials(request: Request) -> dict[str, Any]:
    """Collect the settings of a list, and the published α."""
    service = _service(request)
    published = service.current.snapshot.recipe.alpha
    return {
        "has_content": service.current.snapshot.has_content,
        "rules_diversity": service.policy.rules.diversity,
        "published_alpha": _MIDDLE if published is None else published,
        "lengths": LENGTHS,
    }


def _ask(request: Request, user_id: str, view: View) -> Recommendations:
    asked = ListRequest(k=view.k, alpha=view.alpha, diversity=view.diversity, context=_context(request, view))
    return _service(request).recommend(user_id, asked, leaves=caller_of(request).user_id is not None)


def _context(request: Request, view: View) -> Values:
    """Return the contexts that were chosen, of those that the release offers."""
    offered = _service(request).current.snapshot.contexts.choices()
    return tuple((name, value) for name, value in view.context if value in offered.get(name, ()))


def _past(request: Request, user_id: str) -> dict[str, Any]:
    service = _service(request)
    return {"history": service.history(user_id, _HISTORY), "following": service.study_next(user_id, _NEXT)}


def _similar(request: Request, user_id: str, view: View) -> dict[str, Any]:
    alike: SimilarUsers | None
    if caller_of(request).user_id is not None:
        return {"alike": None, "methods": METHODS}
    try:
        alike = _service(request).similar_users(user_id, view.method)
    except NotFound:
        alike = None
    return {"alike": alike, "methods": METHODS}


def _path(request: Request, user_id: str, goal: str) -> dict[str, Any]:
    """Plan the path to a goal, if one is asked for."""
    service = _service(request)
    skills = service.current.snapshot.catalogue.skill_names
    goal, found, problem = goal.strip()[:LONGEST_ID], None, ""
    if goal:
        try:
            found = service.learning_path(user_id, goal, LENGTH)
        except NotFound as error:
            problem = str(error)
    return {"goal": goal, "path": found, "path_problem": problem, "skills": skills[:_SKILLS]}


def _event_id(once: str, user_id: str, item_id: str, event: str) -> str | None:
    """Derive an event id, the same when a button of one rendered page is pressed twice; None without a page id."""
    if not once:
        return None
    text = "\0".join((once, user_id, item_id, event))
    return "page-" + hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service
