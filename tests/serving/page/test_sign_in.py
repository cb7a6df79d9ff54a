from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from nightschool.storage.keys import Key
from serving.page.sign_in import landing, local
from tests.serving.fakes import FakeService
from tests.serving.page.apps import page_over
from tests.serving.server import client_of


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with client_of(page_over(FakeService(), keys={"right": "read"})) as client:
        yield client


def test_a_key_becomes_a_cookie_that_only_this_server_gets(client: httpx.Client) -> None:
    answer = client.post("/sign-in", data={"key": " right ", "next": "/operator?releases=all"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator?releases=all")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("nightschool_key=right;")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Sign out" in client.get("/").text


@pytest.mark.parametrize(
    ("wanted", "landed"),
    [
        ("/", "/me"),
        ("/operator", "/me"),
        ("/learner/15", "/me"),
        ("/me?goal=x", "/me?goal=x"),
        ("/items/3", "/items/3"),
    ],
)
def test_a_key_for_one_user_lands_where_it_may_go(wanted: str, landed: str) -> None:
    added = datetime(2026, 11, 27, tzinfo=UTC)
    assert landing(Key("own", "read", added, user_id="14"), wanted) == landed
    assert landing(Key("all", "read", added), wanted) == wanted


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_a_key_the_form_comes_again(client: httpx.Client, key: str) -> None:
    answer = client.post("/sign-in", data={"key": key, "next": "/operator"})
    assert answer.status_code == 401
    assert "There is no such key" in answer.text
    assert 'value="/operator"' in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_out_takes_the_cookie_back(client: httpx.Client) -> None:
    client.post("/sign-in", data={"key": "right"})
    client.post("/sign-out")
    assert "Sign out" not in client.get("/sign-in").text


@pytest.mark.parametrize(
    "address", ["", "operator", "//evil.example", "/\\evil.example", "https://evil.example/", "/a\nb", "javascript:x"]
)
def test_nobody_is_sent_elsewhere(address: str) -> None:
    assert local(address) == "/"
    assert local("/learner/a%2Fb?k=20") == "/learner/a%2Fb?k=20"
