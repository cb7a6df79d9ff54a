"""Links of the OpenAPI document: each names what there is, and finds its values in real answers."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from nightschool.settings import Settings
from serving.app import application
from serving.links import LINKS, Link
from serving.service import Service
from tests.serving.client import Api

NAMES = [f"{link.source} {link.name}" for link in LINKS]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return application(cast(Service, SimpleNamespace(settings=Settings()))).openapi()


def operation(document: dict[str, Any], named: str) -> dict[str, Any]:
    method, path = named.split()
    return dict(document["paths"][path][method.lower()])


def test_each_link_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("link", LINKS, ids=NAMES)
def test_a_link_is_in_the_document_and_names_what_its_target_takes(document: dict[str, Any], link: Link) -> None:
    responses = operation(document, link.source)["responses"]
    target = operation(document, link.target)
    written = next(iter(responses.values()))["links"][link.name]
    assert next(iter(responses)) in {"200", "201"}
    assert written["operationId"] == target["operationId"]
    assert link.parameters.keys() <= {each["name"] for each in target.get("parameters", [])}
    if link.body is not None:
        assert link.body.keys() <= fields(document, target["requestBody"]["content"]["application/json"]["schema"])


def fields(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """The names of a body's fields, of all its kinds."""
    if "$ref" in schema:
        return fields(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    below = [fields(document, each) for each in (*schema.get("oneOf", ()), *schema.get("anyOf", ()))]
    return set(schema.get("properties", {})).union(*below)


def examples(api: Api) -> dict[str, tuple[str, Any]]:
    """A request for each source of links, by its address and body; what changes the home comes last."""
    user, items = api.users[0], api.snapshot.catalogue.ids
    item, goal = items[0], api.items_of(user)[-1]
    event = {"user_id": user, "item_id": item, "event": "view", "event_id": "undone"}
    ban = {"item_id": items[5], "kind": "ban", "reason": "for a test"}
    title = {"title": "Statistics Today"}
    return {
        "GET /v1/users/{user_id}/recommendations": (f"/v1/users/{user}/recommendations?k=3", None),
        "GET /v1/users/{user_id}/similar": (f"/v1/users/{user}/similar", None),
        "GET /v1/users/{user_id}/path": (f"/v1/users/{user}/path?goal={goal}", None),
        "POST /similar-users/": ("/similar-users/", {"user_handle": user}),
        "POST /v1/recommendations": ("/v1/recommendations", {"items": [item], "k": 3}),
        "POST /v1/rank": ("/v1/rank", {"items": [item], "user_id": user}),
        "POST /v1/users/recommendations": ("/v1/users/recommendations", {"user_ids": [user]}),
        "GET /v1/items": ("/v1/items?k=3", None),
        "GET /v1/items/{item_id}": (f"/v1/items/{item}", None),
        "GET /v1/items/{item_id}/users": (f"/v1/items/{item}/users", None),
        "GET /v1/releases": ("/v1/releases", None),
        "POST /v1/events": ("/v1/events", event),
        "DELETE /v1/events/{event_id}": ("/v1/events/undone", None),
        "POST /v1/interventions": ("/v1/interventions", ban),
        "GET /v1/interventions": ("/v1/interventions", None),
        "POST /v1/items": ("/v1/items", {"items": [{"item_id": 933, **title}]}),
        "PUT /v1/items/{item_id}": ("/v1/items/934", title),
        "PATCH /v1/items/{item_id}": ("/v1/items/934", title),
        "DELETE /v1/items/{item_id}": ("/v1/items/934", None),
        "PUT /v1/users/{user_id}": ("/v1/users/933", {"department": "Finance"}),
        "DELETE /v1/users/{user_id}": ("/v1/users/933", None),
    }


def test_answers_hold_what_links_take_from_them(writing: Api) -> None:
    requests = examples(writing)
    assert {link.source for link in LINKS} == requests.keys()
    for source, (address, body) in requests.items():
        answer = writing.request(source.split()[0], address, json=body)
        assert answer.status_code in {200, 201}, (source, answer.text)
        for link in (link for link in LINKS if link.source == source):
            taken = [*link.parameters.values(), *(link.body or {}).values()]
            for pointer in (each.partition("#/")[2] for each in taken if each.startswith("$response.body")):
                assert value(answer.json(), pointer) is not None, (link, pointer)


def value(body: Any, pointer: str) -> Any:
    for name in pointer.split("/"):
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body


def test_what_follows_a_list_counts(writing: Api) -> None:
    """The way that the document's links describe: a list, that it was seen, an event on it, and its undoing."""
    user = writing.users[0]
    answered = writing.list_of(user, k=3)
    shown = {"list_id": answered["list_id"], "user_id": answered["user_id"]}
    assert writing.post("/v1/impressions", shown).status_code == 201
    sent = writing.send(user, "view", answered["items"][0]["item_id"], list_id=answered["list_id"])
    event_id = sent.json()["events"][0]["event_id"]
    assert writing.request("DELETE", f"/v1/events/{event_id}").json()["user_id"] == str(user)
    second = writing.list_of(user, k=3, after=answered["next"])
    assert not {each["item_id"] for each in second["items"]} & {each["item_id"] for each in answered["items"]}
