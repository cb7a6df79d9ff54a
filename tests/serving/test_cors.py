"""Pages of other sites: which may ask, for what, and by which key."""

from collections.abc import Iterator
from typing import Any

import pytest

from nightschool.errors import ConfigurationError
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from serving.cors import parse_origins
from serving.feedback import NOTHING
from serving.security import COOKIE, HEADERS
from tests.serving.client import Api
from tests.serving.conftest import Served, copied

LISTED, OTHER = "https://app.example", "https://evil.example"
FOREIGN = {"origin": LISTED, "sec-fetch-site": "cross-site"}
ALLOW_ORIGIN = "access-control-allow-origin"


@pytest.fixture(scope="module")
def api(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service that lists an origin and asks for a key."""
    home = copied(served.home, tmp_path_factory.mktemp("cors") / "home")
    settings = Settings(home=home.paths.root, cors_origins=f"{LISTED}, http://localhost:3000")
    with Api(settings, home).open() as api:
        yield api


@pytest.fixture(scope="module")
def key(api: Api) -> str:
    added = Keys(open_database(api.service.settings.events_address)).add("app", "events")
    api.service.refresh()
    return added


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def event(api: Api) -> dict[str, Any]:
    return {"user_id": api.users[0], "item_id": api.snapshot.catalogue.ids[0], "event": "view"}


def preflight(api: Api, path: str, method: str = "POST", origin: str = LISTED, **headers: str) -> Any:
    asked = {"origin": origin, "access-control-request-method": method, "sec-fetch-site": "cross-site"}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.request("OPTIONS", path, headers={**asked, **told}, client="10.0.0.7")


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", set()),
        (" , ", set()),
        ("https://app.example", {"https://app.example"}),
        ("https://a.example,http://localhost:3000 https://a.example", {"https://a.example", "http://localhost:3000"}),
        ("http://127.0.0.1:8080, http://[::1]:8080", {"http://127.0.0.1:8080", "http://[::1]:8080"}),
        ("https://xn--bcher-kva.example:8443", {"https://xn--bcher-kva.example:8443"}),
    ],
)
def test_origins_are_separated_by_commas_or_spaces(text: str, origins: set[str]) -> None:
    assert parse_origins(text) == origins


@pytest.mark.parametrize("text", ["*", "https://a.example *", "https://*.example", "http://localhost:*"])
def test_a_wildcard_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"takes no wildcard.*name each origin"):
        parse_origins(text)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "app.example",
        "//app.example",
        "https://",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://user@app.example",
        "https://App.example",
        "HTTPS://app.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://app.example:0",
        "https://app.example:99999",
        "https://app..example",
        "https://bücher.example",
        "ftp://app.example",
        "file:///tmp",
    ],
)
def test_what_is_no_origin_is_named(origin: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_origins(f"https://good.example {origin}")
    assert repr(origin) in str(refused.value)
    assert "NIGHTSCHOOL_CORS_ORIGINS" in str(refused.value)


def test_a_preflight_needs_no_key_and_tells_what_is_allowed(api: Api, key: str) -> None:
    answer = preflight(api, "/v1/events", access_control_request_headers="authorization, content-type, idempotency-key")
    assert (answer.status_code, answer.headers[ALLOW_ORIGIN]) == (200, LISTED)
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["x-request-id"]
    for name, value in HEADERS.items():
        assert answer.headers[name.decode()] == value.decode()


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "", f"{LISTED}:8443", f"{LISTED}.evil.example", "http://app.example"]
)
def test_other_origins_are_allowed_nothing(api: Api, key: str, origin: str) -> None:
    refused = preflight(api, "/v1/events", origin=origin)
    assert (refused.status_code, ALLOW_ORIGIN in refused.headers) == (400, False)
    read = api.get("/v1/releases", headers={**bearer(key), "origin": origin, "sec-fetch-site": "cross-site"})
    assert (read.status_code, ALLOW_ORIGIN in read.headers) == (200, False)
    assert "Origin" in read.headers["vary"]
    foreign = {**bearer(key), "origin": origin, "sec-fetch-site": "cross-site"}
    sent = api.post("/v1/events", event(api), headers=foreign)
    assert (sent.status_code, sent.json()["type"]) == (403, "/problems/foreign-page")
    assert ALLOW_ORIGIN not in sent.headers


@pytest.mark.parametrize(
    ("method", "headers"), [("TRACE", ""), ("CONNECT", ""), ("POST", "x-other"), ("GET", "cookie")]
)
def test_what_the_api_does_not_take_is_refused_beforehand(api: Api, method: str, headers: str) -> None:
    asked = {"access_control_request_headers": headers} if headers else {}
    assert preflight(api, "/v1/events", method, **asked).status_code == 400


def test_a_preflight_for_an_unknown_path_tells_nothing_of_paths(api: Api, key: str) -> None:
    known, unknown = preflight(api, "/v1/releases", "GET"), preflight(api, "/v1/nothing", "GET")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (200, "OK")
    answer = api.get("/v1/nothing", headers={**FOREIGN, **bearer(key)})
    assert (answer.status_code, answer.headers[ALLOW_ORIGIN]) == (404, LISTED)


def test_a_listed_page_reads_with_its_key(api: Api, key: str) -> None:
    answer = api.get(f"/v1/users/{api.users[0]}/recommendations", headers={**FOREIGN, **bearer(key)})
    assert (answer.status_code, answer.headers[ALLOW_ORIGIN]) == (200, LISTED)
    assert set(answer.headers["access-control-expose-headers"].split(", ")) == {"ETag", "Retry-After", "X-Request-Id"}
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    again = {**FOREIGN, **bearer(key), "if-none-match": answer.headers["etag"]}
    held = api.get(f"/v1/users/{api.users[0]}/recommendations", headers=again)
    assert (held.status_code, held.headers[ALLOW_ORIGIN]) == (304, LISTED)


@pytest.mark.parametrize("site", ["cross-site", "same-site", None])
def test_a_listed_page_sends_with_its_key(api: Api, key: str, site: str | None) -> None:
    headers = {"origin": LISTED, **bearer(key), **({"sec-fetch-site": site} if site else {})}
    answer = api.post("/v1/events", event(api), headers=headers)
    assert (answer.status_code, answer.headers[ALLOW_ORIGIN]) == (201, LISTED)
    undone = api.request("DELETE", f"/v1/events/{answer.json()['events'][0]['event_id']}", headers=headers)
    assert (undone.status_code, undone.headers[ALLOW_ORIGIN]) == (200, LISTED)


def test_a_cookie_counts_for_no_page_of_another_site(api: Api, key: str) -> None:
    cookie = {**FOREIGN, "cookie": f"{COOKIE}={key}"}
    assert api.get("/v1/releases", headers={"cookie": f"{COOKIE}={key}"}).status_code == 200
    assert api.get("/v1/releases", headers=cookie).status_code == 401
    for more in ({}, {"authorization": "Bearer "}, {"authorization": "Basic x"}):
        sent = api.post("/v1/events", event(api), headers={**cookie, **more})
        assert (sent.status_code, sent.json()["type"]) == (403, "/problems/foreign-page")
    assert api.post("/v1/events", event(api), headers={**cookie, **bearer("wrong")}).status_code == 401


def test_our_own_pages_keep_their_cookie_where_their_origin_is_listed(api: Api, key: str) -> None:
    own = {"host": "app.example", "origin": LISTED, "sec-fetch-site": "same-origin", "cookie": f"{COOKIE}={key}"}
    assert api.post("/v1/events", event(api), headers=own).status_code == 201


def test_refusals_reach_a_listed_page_too(api: Api, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        (401, "GET", "/v1/releases", {}),
        (403, "POST", "/operator/rollback", bearer(key)),
        (404, "GET", "/v1/items/987654/similar", bearer(key)),
        (405, "DELETE", "/v1/releases", bearer(key)),
        (413, "POST", "/v1/events", {**bearer(key), "content-length": "99999999"}),
        (422, "GET", "/v1/users/1/recommendations?k=0", bearer(key)),
    ]
    for status, method, path, headers in asked:
        answer = api.request(method, path, headers={**FOREIGN, **headers})
        assert (answer.status_code, answer.headers.get(ALLOW_ORIGIN)) == (status, LISTED), path

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("serving.neighbours.similar_items", fail)
    failed = api.get("/v1/items/1/similar", headers={**FOREIGN, **bearer(key)})
    assert (failed.status_code, failed.headers[ALLOW_ORIGIN]) == (500, LISTED)


def test_without_any_key_a_listed_page_reads_and_sends_nothing(served: Served, tmp_path: Any) -> None:
    home = copied(served.home, tmp_path / "keyless")
    with Api(Settings(home=home.paths.root, cors_origins=LISTED), home).open() as api:
        read = api.get("/v1/releases", headers=FOREIGN)
        assert (read.status_code, read.headers[ALLOW_ORIGIN]) == (200, LISTED)
        for headers in ({}, bearer("made-up")):
            assert api.post("/v1/events", event(api), headers={**FOREIGN, **headers}).status_code == 403
        assert api.service.feedback.mark(api.users[0]) == NOTHING


def test_a_server_that_lists_no_origin_answers_no_preflight(reading: Api) -> None:
    answer = reading.request(
        "OPTIONS", "/v1/events", headers={"origin": LISTED, "access-control-request-method": "POST"}
    )
    assert (answer.status_code, ALLOW_ORIGIN in answer.headers) == (204, False)
