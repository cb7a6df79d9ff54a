"""Feedback events sent to the service, as one more part of a dataset's interactions."""

from pathlib import Path
from typing import Any, Final

from nightschool.data.manifest.manifest import Manifest
from nightschool.data.manifest.sections import Interactions
from nightschool.data.readers.sql import Sql
from nightschool.data.signals import DURATION_POINTS, SECONDS_A_POINT
from nightschool.sqlite import SQLITE

FEEDBACK: Final = "sent_events"
"""The source's name in tables and errors."""

_COLUMNS: Final = (
    "'sent:' || events.event_id AS event_id",
    "events.user_id AS user_id",
    "item_id",
    "event",
    "events.at AS at",
)
"""The prefix keeps an id chosen by a client from being taken for an event of another source."""

_DID: Final = "SELECT events.sequence AS sequence, 'false' AS deleted, {columns} FROM events {condition}"
_UNDID: Final = (
    "SELECT undone.place AS sequence, 'true' AS deleted, {columns}"
    " FROM undone JOIN events ON events.event_id = undone.event_id {condition}"
)
_CONTEXT: Final = {
    True: "(SELECT value FROM json_each(events.context) WHERE key = {text}) AS {name}",
    False: "events.context ->> {text} AS {name}",
}
"""The value of a context in SQLite, where paths in JSON cannot name every key, and in PostgreSQL."""

_RATING_EVENTS: Final = "WHERE event IN ('complete', 'dislike', 'hide', 'like')"
_WHOLE: Final = SECONDS_A_POINT * DURATION_POINTS


def with_feedback(manifest: Manifest, address: str) -> Manifest:
    """Add the feedback events to the manifest's interactions; likes and completions are hits, dislikes are not.

    An event that was undone comes again as a deletion, at the place where it was undone.

    A like is worth the best rating, or whatever a like is worth in the dataset's score; a completion is
    worth a rating that just counts as a hit, or all the time that counts. Views count in the score `events` alone.

    Args:
        manifest: Without them.
        address: sqlite:///PATH or postgresql://…, which no message repeats.
    """
    part = Interactions.model_validate(
        {
            "format": _source(manifest, address),
            "user": "user_id",
            "item": "item_id",
            "event": "event",
            "event_id": "event_id",
            "deleted": "deleted",
            "timestamp": {"column": "at", "unit": "iso"},
            "context": manifest.contexts,
            **_worth(manifest),
        }
    )
    return manifest.model_copy(update={"interactions": (*manifest.interactions, part)})


def feedback_part(manifest: Manifest) -> Interactions | None:
    """Return the part that `with_feedback` added, or None without one."""
    return next((part for part in manifest.interactions if is_feedback(part)), None)


def is_feedback(part: Interactions) -> bool:
    """Return whether the part is the one that `with_feedback` added."""
    return isinstance(part.format, Sql) and part.format.name == FEEDBACK


def _source(manifest: Manifest, address: str) -> Sql:
    parts = {
        "columns": ", ".join((*_COLUMNS, *_extra(manifest), *_contexts(manifest, address))),
        "condition": "" if manifest.score == "events" else _RATING_EVENTS,
    }
    query = f"{_DID} UNION ALL {_UNDID}".format(**parts)
    source = {"kind": "sql", "query": query, "key": "sequence", "name": FEEDBACK}
    if not address.startswith(SQLITE):
        return Sql.model_validate({**source, "uri": address})
    path = Path(address.removeprefix(SQLITE)).absolute()
    return Sql.model_validate({**source, "uri": f"{SQLITE}{path.name}"}).below(path.parent)


def _worth(manifest: Manifest) -> dict[str, Any]:
    """Return the keys of the manifest that name the columns an event is scored by."""
    scale, worth = manifest.score_range, dict[str, Any]()
    if scale is not None:
        worth["rating"] = {"column": "rating", "min": scale[0], "max": scale[1]}
    if manifest.score == "engagement":
        worth |= {"liked": "liked", "duration": "duration"}
    return worth


def _extra(manifest: Manifest) -> list[str]:
    """Return the SQL expressions of those columns."""
    extra = []
    if manifest.score_range is not None:
        best = manifest.score_range[1]
        good = manifest.relevant.rating_min if manifest.relevant else best
        extra.append(f"CASE event WHEN 'like' THEN {best} WHEN 'complete' THEN {good} END AS rating")
    if manifest.score == "engagement":
        extra.append("CASE event WHEN 'like' THEN 'true' END AS liked")
        extra.append(f"CASE event WHEN 'complete' THEN {_WHOLE} END AS duration")
    return extra


def _contexts(manifest: Manifest, address: str) -> list[str]:
    """Return the SQL expressions of the declared contexts."""
    value = _CONTEXT[address.startswith(SQLITE)]
    return [value.format(text=_quoted(name, "'"), name=_quoted(name, '"')) for name in manifest.contexts]


def _quoted(text: str, mark: str) -> str:
    return f"{mark}{text.replace(mark, 2 * mark)}{mark}"
