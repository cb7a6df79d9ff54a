"""The guard alone: who may ask what, from where."""

from datetime import UTC, datetime
from typing import cast

import pytest

from nightschool.storage.keys import Key, Role
from serving.caller import Caller
from serving.keyring import Keyring
from serving.security import COOKIE, Guard, Refusal, is_encrypted
from serving.shared import Shared

HERE = {"host": "127.0.0.1:8000"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class FewKeys:
    """Keys that need no database."""

    def __init__(self, *keys: Key, ever: bool = False, known: bool = True) -> None:
        self.keys = {key.name: key for key in keys}
        self.locked = bool(keys) or ever
        self.known = known

    def find(self, key: str) -> Key | None:
        return self.keys.get(key)


def guard(**roles: Role) -> Guard:
    return over(FewKeys(*(Key(name, role, NOW) for name, role in roles.items())))


def over(keys: FewKeys, *origins: str) -> Guard:
    return Guard(cast(Keyring, keys), Shared(), frozenset(origins))


def judged(guard: Guard, method: str, path: str, client: str = "127.0.0.1", **headers: str) -> Refusal | Caller:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return guard.authorize(method, path, {**HERE, **told}, client)


def status(guard: Guard, method: str, path: str, client: str = "127.0.0.1", **headers: str) -> int | None:
    verdict = judged(guard, method, path, client, **headers)
    return verdict.status if isinstance(verdict, Refusal) else None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_keys_this_machine_may_do_all(method: str) -> None:
    assert status(guard(), method, "/v1/events") is None
    assert status(guard(), method, "/v1/events", client="::1") is None


@pytest.mark.parametrize("client", ["10.0.0.7", "2001:db8::1", "", "unix"])
def test_without_keys_no_other_machine_is_served(client: str) -> None:
    assert status(guard(), "GET", "/v1/releases", client=client) == 403
    assert status(guard(), "GET", "/ready", client=client) is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "", "127.0.0.1.evil.example"])
def test_without_keys_a_name_that_leads_here_is_not_served(host: str) -> None:
    assert status(guard(), "GET", "/v1/releases", host=host) == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8000"])
def test_names_of_this_machine_are_its_own(host: str) -> None:
    assert status(guard(), "GET", "/v1/releases", host=host) is None


@pytest.mark.parametrize(
    ("key", "get", "post", "operate"),
    [
        (None, 401, 401, 401),
        ("nobody's", 401, 401, 401),
        ("reader", None, 403, 403),
        ("sender", None, None, 403),
        ("operator", None, None, None),
    ],
)
def test_a_key_allows_what_its_role_says(
    key: str | None, get: int | None, post: int | None, operate: int | None
) -> None:
    locked = guard(reader="read", sender="events", operator="operate")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    assert status(locked, "GET", "/v1/releases", client="10.0.0.7", **headers) == get
    assert status(locked, "POST", "/v1/events", client="10.0.0.7", **headers) == post
    assert status(locked, "DELETE", "/v1/events/x", client="10.0.0.7", **headers) == post
    assert status(locked, "POST", "/operator/rollback", client="10.0.0.7", **headers) == operate
    assert status(locked, "GET", "/", cookie=f"{COOKIE}={key}") == get
    for path in (
        "/operator/keys",
        "/operator/keys/revoke",
        "/operator/quarantine/row",
        "/operator/quarantine/download",
    ):
        assert status(locked, "GET", path, client="10.0.0.7", **headers) == operate


def test_asking_for_similar_users_is_reading() -> None:
    assert status(guard(reader="read"), "POST", "/similar-users/", authorization="bearer reader") is None


@pytest.mark.parametrize("path", ["/health", "/ready", "/sign-in", "/static/pico.css", "/problems/no-key"])
def test_what_everybody_needs_is_open(path: str) -> None:
    assert status(guard(reader="read"), "GET", path) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_pages_of_other_sites_send_nothing(headers: dict[str, str]) -> None:
    for judge in (guard(), guard(writer="events")):
        assert status(judge, "POST", "/sign-in", authorization="Bearer writer", **headers) == 403


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"authorization": "Bearer app"}, None),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Bearer app", "cookie": f"{COOKIE}=wrong"}, None),
        ({"authorization": "Bearer ", "cookie": f"{COOKIE}=app"}, 403),
        ({"cookie": f"{COOKIE}=app"}, 403),
        ({}, 403),
    ],
)
def test_a_page_of_a_listed_origin_sends_with_a_key_of_its_own_alone(
    headers: dict[str, str], refused: int | None
) -> None:
    foreign = {"origin": "https://app.example", "sec_fetch_site": "cross-site", **headers}
    keys = FewKeys(Key("app", "events", NOW))
    assert status(over(keys, "https://app.example"), "POST", "/v1/events", **foreign) == refused
    for other in (over(keys), over(keys, "https://app.example:1"), over(FewKeys(), "https://app.example")):
        assert status(other, "POST", "/v1/events", **foreign) == 403


def test_a_cookie_counts_for_no_page_of_a_listed_origin() -> None:
    judge = over(FewKeys(Key("app", "read", NOW)), "https://app.example", "http://127.0.0.1:8000")
    foreign = {"origin": "https://app.example", "cookie": f"{COOKIE}=app"}
    assert status(judge, "GET", "/v1/releases", **foreign) == 401
    assert status(judge, "GET", "/v1/releases", **{**foreign, "origin": "http://127.0.0.1:8000"}) is None


@pytest.mark.parametrize("headers", [{"sec_fetch_site": "same-origin"}, {"origin": "http://127.0.0.1:8000"}, {}])
def test_our_own_pages_and_programs_send(headers: dict[str, str]) -> None:
    assert status(guard(writer="events"), "POST", "/v1/events", authorization="Bearer writer", **headers) is None


@pytest.mark.parametrize("cookie", ["", ";;;=", 'nightschool_key="', "nightschool_key"])
def test_odd_cookies_are_no_key(cookie: str) -> None:
    assert status(guard(reader="read"), "GET", "/", cookie=cookie) == 401


@pytest.mark.parametrize("name", ["forwarded", "x_forwarded_for", "x_forwarded_proto", "x_real_ip"])
def test_without_keys_nothing_is_served_through_a_proxy(name: str) -> None:
    assert status(guard(), "GET", "/v1/releases", **{name: "203.0.113.9"}) == 403
    assert status(guard(reader="read"), "GET", "/v1/releases", authorization="Bearer reader", **{name: "x"}) is None


def test_once_locked_a_server_stays_locked() -> None:
    assert status(over(FewKeys(ever=True)), "GET", "/v1/releases") == 401


def test_keys_that_could_not_be_read_yet_let_nobody_in() -> None:
    verdict = judged(over(FewKeys(known=False)), "GET", "/v1/releases")
    assert isinstance(verdict, Refusal)
    assert (verdict.status, verdict.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("method", "path", "refused"),
    [
        ("GET", "/v1/users/14/recommendations", None),
        ("GET", "/v1/users/14/path", None),
        ("GET", "/v1/items/3/similar", None),
        ("GET", "/v1/items/3/next", None),
        ("GET", "/v1/items/3", None),
        ("GET", "/v1/items", None),
        ("POST", "/v1/events", None),
        ("DELETE", "/v1/events/e1", None),
        ("GET", "/v1/users/15/recommendations", 403),
        ("GET", "/v1/users/15/path", 403),
        ("GET", "/v1/users/14/similar", 403),
        ("GET", "/v1/items/3/users", 403),
        ("HEAD", "/v1/items/3/users", 403),
        ("GET", "/v1/items/a/b/users", 403),
        ("GET", "/v1/items/3/users\n", 403),
        ("GET", "/v1/itemsets", 403),
        ("GET", "/v1/users/14/recommendations/../../15/recommendations", 403),
        ("GET", "/me", None),
        ("GET", "/catalogue", None),
        ("GET", "/items/3", None),
        ("GET", "/items/a/b/users", None),
        ("POST", "/me/events", None),
        ("POST", "/me/undo", None),
        ("GET", "/", 403),
        ("GET", "/me/15", 403),
        ("GET", "/items", 403),
        ("GET", "/compare/14", 403),
        ("GET", "/operator", 403),
        ("GET", "/learner/14", 403),
        ("GET", "/metrics", 403),
        ("POST", "/similar-users/", 403),
        ("POST", "/v1/impressions", None),
        ("POST", "/me/impressions", None),
        ("POST", "/learner/14/events", 403),
        ("POST", "/learner/15/events", 403),
        ("POST", "/operator/rollback", 403),
        ("GET", "/operator/tables/download", 403),
        ("GET", "/operator/quarantine", 403),
    ],
)
def test_a_key_for_one_user_opens_their_lists_and_events_alone(method: str, path: str, refused: int | None) -> None:
    bound = over(FewKeys(Key("browser", "events", NOW, user_id="14")))
    assert status(bound, method, path, authorization="Bearer browser") == refused
    if refused is None:
        assert judged(bound, method, path, authorization="Bearer browser") == Caller("browser", "events", "14")


def test_a_key_that_asks_too_often_is_told_when_to_come_again() -> None:
    slow = over(FewKeys(Key("browser", "read", NOW, per_second=2), Key("platform", "read", NOW)))
    verdicts = [judged(slow, "GET", "/v1/releases", authorization="Bearer browser") for _ in range(3)]
    assert [isinstance(verdict, Refusal) for verdict in verdicts] == [False, False, True]
    refusal = verdicts[-1]
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.headers["retry-after"]) == (429, "1")
    assert {status(slow, "GET", "/v1/releases", authorization="Bearer platform") for _ in range(50)} == {None}


@pytest.mark.parametrize(
    ("scheme", "headers", "encrypted"),
    [
        ("https", {}, True),
        ("http", {"x-forwarded-proto": "https"}, True),
        ("http", {"x-forwarded-proto": "https, http"}, True),
        ("http", {"forwarded": 'for=192.0.2.1;Proto="HTTPS"'}, True),
        ("http", {"x-forwarded-proto": "http"}, False),
        ("http", {}, False),
    ],
)
def test_a_proxy_tells_of_tls(scheme: str, headers: dict[str, str], encrypted: bool) -> None:
    assert is_encrypted(scheme, headers) is encrypted
