"""The guard alone: who may ask what, from where."""

from typing import cast

import pytest

from nightschool.storage.keys import Keys, Role
from serving.security import COOKIE, Guard

HERE = {"host": "127.0.0.1:8000"}


class FewKeys:
    """Keys that need no database."""

    def __init__(self, **roles: Role) -> None:
        self.roles = roles

    def any(self) -> bool:
        return bool(self.roles)

    def role_of(self, key: str) -> Role | None:
        return self.roles.get(key)


def guard(**roles: Role) -> Guard:
    return Guard(cast(Keys, FewKeys(**roles)))


def status(guard: Guard, method: str, path: str, client: str = "127.0.0.1", **headers: str) -> int | None:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = guard.refuse(method, path, {**HERE, **told}, client)
    return refusal.status if refusal else None


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
    ("key", "get", "post"), [(None, 401, 401), ("nobody's", 401, 401), ("reader", None, 403), ("writer", None, None)]
)
def test_a_key_allows_what_its_role_says(key: str | None, get: int | None, post: int | None) -> None:
    locked = guard(reader="read", writer="write")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    assert status(locked, "GET", "/v1/releases", client="10.0.0.7", **headers) == get
    assert status(locked, "POST", "/v1/events", client="10.0.0.7", **headers) == post
    assert status(locked, "GET", "/", cookie=f"{COOKIE}={key}") == get


def test_asking_for_similar_users_is_reading() -> None:
    assert status(guard(reader="read"), "POST", "/similar-users/", authorization="bearer reader") is None


@pytest.mark.parametrize("path", ["/health", "/ready", "/sign-in", "/static/pico.css"])
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
    for judge in (guard(), guard(writer="write")):
        assert status(judge, "POST", "/sign-in", authorization="Bearer writer", **headers) == 403


@pytest.mark.parametrize("headers", [{"sec_fetch_site": "same-origin"}, {"origin": "http://127.0.0.1:8000"}, {}])
def test_our_own_pages_and_programs_send(headers: dict[str, str]) -> None:
    assert status(guard(writer="write"), "POST", "/v1/events", authorization="Bearer writer", **headers) is None


@pytest.mark.parametrize("cookie", ["", ";;;=", 'nightschool_key="', "nightschool_key"])
def test_odd_cookies_are_no_key(cookie: str) -> None:
    assert status(guard(reader="read"), "GET", "/", cookie=cookie) == 401
