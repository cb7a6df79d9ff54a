"""Links of the OpenAPI document: which request may follow a response, and what of the response it takes."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_LIST: Final = "GET /v1/users/{user_id}/recommendations"
_EVENTS: Final = "POST /v1/events"
_IMPRESSIONS: Final = "POST /v1/impressions"
_ITEMS: Final = "GET /v1/items"
_ITEM: Final = "GET /v1/items/{item_id}"
_PUT_ITEM: Final = "PUT /v1/items/{item_id}"
_PATCH_ITEM: Final = "PATCH /v1/items/{item_id}"
_DELETE_ITEM: Final = "DELETE /v1/items/{item_id}"
_INVITATIONS: Final = "GET /v1/items/{item_id}/users"
_PUT_USER: Final = "PUT /v1/users/{user_id}"
_PATCH_USER: Final = "PATCH /v1/users/{user_id}"
_DELETE_USER: Final = "DELETE /v1/users/{user_id}"
_INTERVENE: Final = "POST /v1/interventions"
_END_INTERVENTION: Final = "DELETE /v1/interventions/{intervention_id}"
_SESSION: Final = "POST /v1/recommendations"
_MANY: Final = "POST /v1/users/recommendations"


class Link(NamedTuple):
    """A request that may follow the successful response to another.

    Attributes:
        source: Method and path of the request before.
        name: Names the link among those of its source.
        target: Method and path of the request that may follow.
        parameters: Where the values of its parameters are, as runtime expressions by name.
        body: The same of its body's fields; None where the link gives none.
    """

    source: str
    name: str
    target: str
    parameters: Mapping[str, str] = {}
    body: Mapping[str, str] | None = None


def _of_user(place: str) -> dict[str, str]:
    return {"user_id": f"$response.body#/{place}"}


def _of_item(place: str = "item_id") -> dict[str, str]:
    return {"item_id": f"$response.body#/{place}"}


def _same(*names: str) -> dict[str, str]:
    """Return the query parameters that a next page repeats."""
    return {name: f"$request.query.{name}" for name in names}


_NEXT: Final = {"after": "$response.body#/next"}
_SHOWN: Final = {"list_id": "$response.body#/list_id"}
_SHOWN_TO_USER: Final = {**_SHOWN, **_of_user("user_id")}

LINKS: Final = (
    Link(_LIST, "shown", _IMPRESSIONS, body=_SHOWN_TO_USER),
    Link(_LIST, "event", _EVENTS, body={**_SHOWN_TO_USER, **_of_item("items/0/item_id")}),
    Link(_LIST, "item", _ITEM, _of_item("items/0/item_id")),
    Link(
        _LIST,
        "next-page",
        _LIST,
        {"user_id": "$request.path.user_id", **_NEXT, **_same("category", "filter", "max_difficulty", "scenario")},
    ),
    Link(_SESSION, "shown", _IMPRESSIONS, body=_SHOWN),
    Link(_SESSION, "next-page", _SESSION, body={"items": "$request.body#/items", **_NEXT}),
    Link("POST /v1/rank", "shown", _IMPRESSIONS, body=_SHOWN),
    Link(
        _MANY, "shown", _IMPRESSIONS, body={"list_id": "$response.body#/lists/0/list_id", **_of_user("lists/0/user_id")}
    ),
    Link(_EVENTS, "undo", "DELETE /v1/events/{event_id}", {"event_id": "$response.body#/events/0/event_id"}),
    Link(_EVENTS, "list", _LIST, {"user_id": "$request.body#/user_id"}),
    Link("DELETE /v1/events/{event_id}", "list", _LIST, _of_user("user_id")),
    Link("GET /v1/users/{user_id}/similar", "list", _LIST, _of_user("users/0/user_id")),
    Link("POST /similar-users/", "list", _LIST, _of_user("data/similar_users/0")),
    Link("GET /v1/users/{user_id}/path", "item", _ITEM, _of_item("steps/0/item_id")),
    Link(_ITEMS, "next-page", _ITEMS, {**_NEXT, **_same("q", "sort", "category", "filter")}),
    Link(_ITEMS, "item", _ITEM, _of_item("items/0/item_id")),
    Link(_ITEM, "similar", "GET /v1/items/{item_id}/similar", _of_item("item/item_id")),
    Link(_ITEM, "next", "GET /v1/items/{item_id}/next", _of_item("item/item_id")),
    Link(_ITEM, "users", _INVITATIONS, _of_item("item/item_id")),
    Link(_ITEM, "change", _PATCH_ITEM, _of_item("item/item_id")),
    Link(_ITEM, "intervene", _INTERVENE, body=_of_item("item/item_id")),
    Link(_INVITATIONS, "list", _LIST, _of_user("users/0/user_id")),
    Link("POST /v1/items", "item", _ITEM, _of_item("items/0/item_id")),
    Link(_PUT_ITEM, "item", _ITEM, _of_item()),
    Link(_PUT_ITEM, "change", _PATCH_ITEM, _of_item()),
    Link(_PUT_ITEM, "withdraw", _DELETE_ITEM, _of_item()),
    Link(_PATCH_ITEM, "item", _ITEM, _of_item()),
    Link(_PATCH_ITEM, "withdraw", _DELETE_ITEM, _of_item()),
    Link(_DELETE_ITEM, "bring-back", _PATCH_ITEM, _of_item()),
    Link(_PUT_USER, "change", _PATCH_USER, _of_user("user_id")),
    Link(_PUT_USER, "withdraw", _DELETE_USER, _of_user("user_id")),
    Link(_PUT_USER, "list", _LIST, _of_user("user_id")),
    Link(_DELETE_USER, "bring-back", _PATCH_USER, _of_user("user_id")),
    Link(_INTERVENE, "end", _END_INTERVENTION, {"intervention_id": "$response.body#/intervention_id"}),
    Link(
        "GET /v1/interventions",
        "end",
        _END_INTERVENTION,
        {"intervention_id": "$response.body#/interventions/0/intervention_id"},
    ),
    Link(
        "GET /v1/releases", "release", "GET /v1/releases/{release_id}", {"release_id": "$response.body#/releases/0/id"}
    ),
)


def add_links(paths: Mapping[str, Any]) -> None:
    """Add the links to the successful responses of a document.

    Args:
        paths: The operations of the document by path and method.
    """
    for link in LINKS:
        responses = _operation(paths, link.source)["responses"]
        response = responses[min(responses)]
        entry = {"operationId": _operation(paths, link.target)["operationId"], "parameters": dict(link.parameters)}
        if link.body is not None:
            entry["requestBody"] = dict(link.body)
        response.setdefault("links", {})[link.name] = entry


def _operation(paths: Mapping[str, Any], named: str) -> dict[str, Any]:
    method, path = named.split()
    operation: dict[str, Any] = paths[path][method.lower()]
    return operation
