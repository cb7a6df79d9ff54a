"""What stands around every route, whichever it is."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from nightschool.errors import Unreachable
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from nightschool.storage.keys import ROLES, Keys
from serving.app import application, with_middleware
from serving.feedback import NOTHING
from serving.security import HEADERS
from serving.service import Service
from tests.serving.client import Api
from tests.serving.conftest import Served, copied
from tests.serving.homes import settings_of
from tests.serving.routes import IDS, ROUTES
from tests.serving.server import client_of

SIGN_IN = ("POST", "/sign-in")
"""The one route that answers 401 of its own accord: to a key in its form that is none."""


@pytest.fixture(scope="module")
def locked(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, dict[str, str]]]:
    """A service that asks for a key, and a key of each role."""
    with Api.over(copied(served.home, tmp_path_factory.mktemp("locked") / "home")) as api:
        keys = Keys(open_database(api.service.settings.events_address))
        given = {role: keys.add(role, role) for role in ROLES}
        api.service.refresh()
        yield api, given


def test_every_route_has_its_row() -> None:
    app = application(cast(Service, SimpleNamespace(settings=Settings())))
    found = {(method, str(route.path)) for route in iter_route_contexts(app.routes) for method in route.methods or ()}
    assert found == set(ROUTES)


@pytest.mark.parametrize("place", [0, 1, 2, 3], ids=["no key", "read", "events", "operate"])
@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_key_opens_what_its_role_allows(
    locked: tuple[Api, dict[str, str]], route: tuple[str, str], place: int
) -> None:
    api, keys = locked
    key = [None, *keys.values()][place]
    headers = {"authorization": f"Bearer {key}"} if key else {}
    path = route[1].replace(":path", "").format(**IDS)
    answer = api.request(route[0], path, headers=headers, client="10.0.0.7")
    expected = 401 if route == SIGN_IN else ROUTES[route][place]
    assert answer.status_code == expected or (expected is None and answer.status_code not in {401, 403})
    assert answer.status_code < 500
    assert (answer.headers.get("www-authenticate") == "Bearer") == (expected == 401 and route != SIGN_IN)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_every_answer_has_its_headers(locked: tuple[Api, dict[str, str]], route: tuple[str, str]) -> None:
    api, keys = locked
    path = route[1].replace(":path", "").format(**IDS)
    for headers in ({}, {"authorization": f"Bearer {keys['operate']}"}):
        answer = api.request(route[0], path, headers={**headers, "x-request-id": "abc-1"})
        for name, value in HEADERS.items():
            assert answer.headers[name.decode()] == value.decode()
        assert answer.headers["x-request-id"] == "abc-1"
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "GET"])
def test_the_head_of_every_answer_is_as_its_whole(locked: tuple[Api, dict[str, str]], path: str) -> None:
    api, keys = locked
    headers = {"authorization": f"Bearer {keys['operate']}", "x-request-id": "same", "accept-encoding": "identity"}
    address = path.replace(":path", "").format(**IDS)
    whole, head = (api.request(method, address, headers=headers) for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (whole.status_code, b"")
    told = {name for name in whole.headers if path not in {"/metrics", "/ready"} or name != "content-length"}
    assert {name: head.headers[name] for name in told} == {name: whole.headers[name] for name in told}


@pytest.mark.parametrize("path", ["/nothing", "/v1/users", "/v1", "/v1/users//recommendations"])
def test_what_is_not_there_has_its_headers_too(reading: Api, path: str) -> None:
    answer = reading.get(path)
    assert answer.status_code in {404, 422}
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.json()["detail"]


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_pages_of_other_sites_send_no_event(reading: Api, headers: dict[str, str]) -> None:
    event = {"user_id": 1, "item_id": 1, "event": "like"}
    assert reading.post("/v1/events", event, headers=headers).status_code == 403
    assert reading.service.feedback.mark(1) == NOTHING


def test_names_and_machines_of_others_are_refused_without_keys(reading: Api) -> None:
    assert reading.get("/v1/releases", headers={"host": "evil.example"}).status_code == 403
    assert reading.get("/v1/releases", client="192.0.2.1").status_code == 403
    assert reading.get("/v1/releases", headers={"host": "localhost:1"}).status_code == 200


@pytest.mark.parametrize("exists", [False, True], ids=["missing", "empty"])
def test_without_a_release_the_server_lives_and_says_so(tmp_path: Path, exists: bool) -> None:
    root = tmp_path / "nothing"
    if exists:
        root.mkdir()
    with Api(Settings(home=root)).open() as api:
        assert api.get("/health").status_code == 200
        ready = api.get("/ready")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        items = ("/v1/items", "/v1/items/1", "/v1/items/1/similar", "/v1/items/1/next", "/v1/items/1/users")
        for path in ("/v1/users/1/recommendations", "/v1/users/1/similar", *items):
            answer = api.get(path)
            assert (answer.status_code, "no release is published" in answer.json()["detail"]) == (503, True), path
        assert api.post("/similar-users/", {"user_handle": 1}).status_code == 503
        assert api.post("/v1/events", {"user_id": 1, "item_id": 1, "event": "like"}).status_code == 503
        assert api.get("/v1/releases").json() == {"releases": []}
        assert api.get("/v1/releases/x").status_code == 404
        assert api.get("/metrics").status_code == 200


def test_what_is_not_of_the_form_is_told_in_one_sentence(reading: Api) -> None:
    answer = reading.get("/v1/users/1/recommendations?k=0")
    told = {
        "detail": "query.k: Input should be greater than or equal to 1 (saw '0')",
        "type": "/problems/invalid-request",
    }
    assert answer.status_code == 422
    assert answer.json().items() >= told.items()


def test_the_document_is_complete(reading: Api) -> None:
    document = reading.get("/openapi.json").json()
    assert set(document["paths"]) == {path.replace(":path", "") for _, path in ROUTES if path in told_of()}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            require_complete(path, operation, document)


def told_of() -> set[str]:
    return {
        path for _, path in ROUTES if path.startswith(("/v1", "/similar", "/health", "/ready", "/metrics", "/problems"))
    }


def require_complete(path: str, operation: dict[str, Any], document: dict[str, Any]) -> None:
    """Asserts a summary, a description, an example of each body, and a schema of each answer that has a body."""
    assert operation["summary"], path
    assert operation["description"], path
    for content in operation.get("requestBody", {}).get("content", {}).values():
        assert content.get("examples") or resolved(content["schema"], document).get("examples"), path
    for parameter in operation.get("parameters", []):
        assert parameter.get("description"), (path, parameter["name"])
    for status, answer in operation["responses"].items():
        assert answer["description"], path
        if status == "304":
            continue
        for content in answer["content"].values():
            assert content["schema"], (path, status)


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(document["components"]["schemas"][name]) if name else schema


def test_a_lock_on_the_store_holds_up_no_list_and_every_event_is_answered(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.service.PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("serving.middleware.LONGEST_SECONDS", 1.0)
    service = Service(settings_of(own_home))
    users = service.current.snapshot.lists.keys.to_list()
    with client_of(with_middleware(service)) as client, ThreadPoolExecutor(24) as pool:

        def send(number: int) -> httpx.Response:
            return client.post(
                "/v1/events", json={"user_id": users[0], "item_id": 1, "event": "like", "event_id": f"{number}"}
            )

        assert send(0).status_code == 201
        client.get(f"/v1/users/{users[0]}/recommendations")
        with closing(sqlite3.connect(own_home.paths.root / "events.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            sending = [pool.submit(send, number) for number in range(1, 24)]
            began = time.monotonic()
            for user in users[:20]:
                assert client.get(f"/v1/users/{user}/recommendations").status_code == 200
            assert not all(each.done() for each in sending)
            assert time.monotonic() - began < 5
            refused = [each.result(20) for each in sending]
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
        assert {answer.headers["retry-after"] for answer in refused} == {"2"}
        assert send(99).status_code == 201


def test_a_server_starts_over_a_store_that_is_missing_or_damaged_and_says_so(own_home: Home) -> None:
    (own_home.paths.root / "events.db").write_bytes(b"x" * 5_000)
    with Api.over(own_home) as api:
        ready = api.get("/ready")
        assert (ready.status_code, ready.json()["release_id"]) == (503, api.snapshot.release.release_id)
        assert "file is not a database" in ready.json()["reasons"][0]
        assert str(own_home.paths.root) not in ready.text
        assert api.get("/v1/releases").status_code == 503
        (own_home.paths.root / "events.db").unlink()
        open_database(api.service.settings.events_address).dispose()
        api.service.refresh()
        assert api.get("/ready").status_code == 200


def test_a_store_without_tables_that_is_put_in_place_of_another_gets_them(own_home: Home) -> None:
    with Api.over(own_home) as api:
        api.service.refresh()
        (own_home.paths.root / "other.db").touch()
        (own_home.paths.root / "other.db").rename(own_home.paths.root / "events.db")
        with pytest.raises(Unreachable):
            api.service.refresh()
        api.service.refresh()
        assert api.get("/ready").status_code == 200


def test_a_store_that_is_deleted_is_noticed_and_lists_go_on(own_home: Home) -> None:
    with Api.over(own_home) as api:
        api.service.refresh()
        (own_home.paths.root / "events.db").unlink()
        with pytest.raises(Unreachable):
            api.service.refresh()
        assert api.get("/ready").status_code == 503
        assert api.get(f"/v1/users/{api.users[0]}/recommendations").status_code == 200
        event = {"user_id": api.users[0], "item_id": 1, "event": "like"}
        assert api.post("/v1/events", event).status_code == 503
