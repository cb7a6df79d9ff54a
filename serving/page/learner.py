"""A learner's page, for those who may read all users and for the learner alone: list, history, path, events, undo."""

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any, Final, NamedTuple

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from nightschool.data.normalization.limits import LONGEST_ID
from nightschool.errors import NotFound
from nightschool.vocabulary import TIME_CONTEXTS
from serving import waiting
from serving.answers import ListRequest
from serving.contexts import Values
from serving.evidence import Evidence, evidence_of
from serving.page.answers import caller_of, fragment_asked, page, service_of
from serving.page.view import LENGTHS, METHODS, View
from serving.paths import LENGTH
from serving.schemas.common import ExternalId
from serving.schemas.events import Event, EventType
from serving.schemas.impressions import Impression
from serving.schemas.lists import HistoryEntry, Recommendations, Recommended
from serving.schemas.similar import SimilarUsers
from serving.user_state import VIEW

_HISTORY: Final = 12
_NEXT: Final = 3
_MIDDLE: Final = 0.5
_SKILLS: Final = 100
"""How many skills the field of a goal offers."""

_SAID: Final = {
    "like": "Liked. The list is up to date.",
    "complete": "Marked as done. The list is up to date.",
    "hide": "Hidden. It will not be shown again.",
    "undo": "Taken back. The list is up to date.",
}


class Learner(NamedTuple):
    """Whose page is shown, and its address."""

    user_id: str
    here: str


class Row(NamedTuple):
    """An entry of a list as the page shows it.

    Attributes:
        item: The entry.
        bar: Length of the bar of its score, 0–1.
        elsewhere: Its rank in the other list; None where that lacks it.
    """

    item: Recommended
    bar: float
    elsewhere: int | None = None


def learner_page(request: Request, learner: Learner, template: str, just: str, goal: str) -> Response:
    """Show a learner's page, or the fragment of it that htmx requests.

    Args:
        request: The request.
        learner: Whose page.
        template: The whole page.
        just: The event that was just sent, or `undo`; empty for none.
        goal: The item or skill that a path is planned to; empty for none.
    """
    view = View.of(request.query_params)
    part = fragment_asked(request)
    about: dict[str, Any] = {"learner": learner, "view": view}
    if part == "similar" and caller_of(request).user_id is None:
        return page(request, "_similar.html", **about, **_similar(request, learner, view))
    if part == "path":
        return page(request, "_path.html", **about, **_path(request, learner, goal), fragment=True)
    shown = _list(request, learner, view)
    if part == "list":
        return page(request, "_list.html", changed=False, fragment=True, **shown)
    attributes = service_of(request).current.snapshot.attributes(shown["answer"].user_id) or {}
    shown |= _path(request, learner, goal)
    if caller_of(request).user_id is None:
        shown |= _similar(request, learner, view)
    told: dict[str, Any] = {"said": _SAID.get(just, ""), "about": attributes, "changed": False, "fragment": False}
    return page(request, template, **told, **shown)


async def take_event(
    request: Request, learner: Learner, item_id: str, event: EventType, once: str, list_id: str = ""
) -> Response:
    """Store an event and show the list after it: the changed fragments for htmx, else a redirect to the page.

    Args:
        request: The request.
        learner: Who did it.
        item_id: To which item.
        event: What they did.
        once: The id of the rendered page, under which pressing a button twice counts once; empty without one.
        list_id: The list on which it happened; empty where nobody may name it.
    """
    event_id = _event_id(once, learner.user_id, item_id, event)
    declared = {name: value for name, value in _context(request) if name not in TIME_CONTEXTS}
    sent = Event(
        user_id=learner.user_id,
        item_id=item_id,
        event=event,
        event_id=event_id,
        context=declared,
        list_id=list_id or None,
    )
    await waiting.write(service_of(request).take_events, [sent], caller_of(request).name)
    return await waiting.read(_changed, request, learner, event)


async def take_impression(request: Request, learner: Learner, list_id: str, once: str) -> Response:
    """Store that a learner saw the list of their own page.

    Args:
        request: The request.
        learner: Who saw it.
        list_id: The list.
        once: The id of the rendered page, which counts once; empty without one.
    """
    impression_id = _event_id(once, learner.user_id, list_id, "shown")
    shown = Impression(list_id=list_id, user_id=learner.user_id, impression_id=impression_id)
    await waiting.write(service_of(request).take_impressions, [shown], caller_of(request).name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def undo_event(request: Request, learner: Learner, event_id: str) -> Response:
    """Undo an event and show the list after it: the changed fragments for htmx, else a redirect to the page."""
    await waiting.write(service_of(request).undo_event, event_id, learner.user_id, caller_of(request).name)
    return await waiting.read(_changed, request, learner, "undo")


def rows_of(answer: Recommendations, elsewhere: dict[Any, int] | None = None) -> list[Row]:
    """Pair a list's entries with the lengths of their bars; the best entry's bar is full.

    Args:
        answer: The list.
        elsewhere: Item to its rank in the other list; None without one.
    """
    scores = [entry.score for entry in answer.items]
    bars = _bars(scores)
    ranks = elsewhere or {}
    return [Row(entry, bar, ranks.get(entry.item_id)) for entry, bar in zip(answer.items, bars, strict=True)]


def ask(request: Request, user_id: str, view: View) -> Recommendations:
    """Return a user's list under the settings of an address."""
    asked = ListRequest(k=view.k, alpha=view.alpha, diversity=view.diversity, context=_context(request))
    return service_of(request).recommend(user_id, asked, leaves=caller_of(request).user_id is not None)


def dials(request: Request) -> dict[str, Any]:
    """Collect the settings of a list, and the published α."""
    service = service_of(request)
    published = service.current.snapshot.recipe.alpha
    return {
        "has_content": service.current.snapshot.has_content,
        "rules_diversity": service.policy.rules.diversity,
        "published_alpha": _MIDDLE if published is None else published,
        "lengths": LENGTHS,
    }


def _changed(request: Request, learner: Learner, just: str) -> Response:
    view = View.of(request.query_params)
    if fragment_asked(request) is None:
        return RedirectResponse(f"{learner.here}{view.query(just=just)}#list", 303)
    told: dict[str, Any] = {"said": _SAID.get(just, ""), "changed": True, "fragment": False}
    return page(request, "_changed.html", **told, **_list(request, learner, view))


def _bars(scores: Sequence[float]) -> list[float]:
    """Scale scores to 0–1 of the best one; where some are negative, from a little below the worst one."""
    if not scores:
        return []
    floor = 0.0 if min(scores) >= 0 else min(scores) - 0.05 * (max(scores) - min(scores))
    height = max(scores) - floor
    return [(score - floor) / height if height > 0 else 1.0 for score in scores]


def _list(request: Request, learner: Learner, view: View) -> dict[str, Any]:
    """Collect the list and the history, of which it shows the last action."""
    service = service_of(request)
    answer = ask(request, learner.user_id, view)
    history = service.history(learner.user_id, _HISTORY)
    return {
        "learner": learner,
        "view": view,
        "answer": answer,
        "rows": rows_of(answer),
        "evidence": _evidence(request, learner, answer),
        "history": history,
        "last": _last_action(history),
        "following": service.study_next(learner.user_id, _NEXT),
        "contexts": service.current.snapshot.contexts.choices(),
        "chosen": dict(view.context),
        "once": token_urlsafe(12),
        **dials(request),
    }


def _evidence(request: Request, learner: Learner, answer: Recommendations) -> dict[ExternalId, Evidence]:
    """Find what the entries of a list follow from, where they follow from an item of the history."""
    if all(entry.because_item_id is None for entry in answer.items):
        return {}
    service = service_of(request)
    snapshot = service.current.snapshot
    return evidence_of(snapshot, service.state_of(snapshot, learner.user_id), answer.items)


def _last_action(history: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """Return the newest entry that was sent and can be undone; None without one."""
    return next((entry for entry in history if entry.event_id is not None and entry.event != VIEW), None)


def _context(request: Request) -> Values:
    """Return the contexts that were chosen, of those that the release offers."""
    offered = service_of(request).current.snapshot.contexts.choices()
    chosen = View.of(request.query_params).context
    return tuple((name, value) for name, value in chosen if value in offered.get(name, ()))


def _similar(request: Request, learner: Learner, view: View) -> dict[str, Any]:
    alike: SimilarUsers | None
    try:
        alike = service_of(request).similar_users(learner.user_id, view.method)
    except NotFound:
        alike = None
    return {"alike": alike, "methods": METHODS}


def _path(request: Request, learner: Learner, goal: str) -> dict[str, Any]:
    """Plan the path to a goal, if one is asked for."""
    service = service_of(request)
    skills = service.current.snapshot.catalogue.skill_names
    goal, found, trouble = goal.strip()[:LONGEST_ID], None, ""
    if goal:
        try:
            found = service.learning_path(learner.user_id, goal, LENGTH)
        except NotFound as error:
            trouble = str(error)
    return {"goal": goal, "path": found, "path_problem": trouble, "skills": skills[:_SKILLS]}


def _event_id(once: str, user_id: str, item_id: str, event: str) -> str | None:
    """Derive an event id, the same when a button of one rendered page is pressed twice; None without a page id."""
    if not once:
        return None
    text = "\0".join((once, user_id, item_id, event))
    return "page-" + hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
