"""A request's id, its limits, and the line that is written of it."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from serving.middleware import LONGEST_PATH, MOST_BYTES
from serving.telemetry import JsonLines
from tests.serving.client import Api


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged meanwhile."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("nightschool.serving")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(before)


async def parts(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 50_000):
        yield b" " * 50_000


def test_a_body_that_says_its_length_is_refused_before_it_is_read(reading: Api) -> None:
    answer = reading.request("POST", "/v1/events", content=b" " * (MOST_BYTES + 1))
    assert (answer.status_code, answer.json()["detail"]) == (413, "the body has more than 1,000,000 bytes")


def test_a_body_that_says_no_length_is_cut_off(reading: Api) -> None:
    headers = {"content-type": "application/json"}
    answer = reading.request("POST", "/v1/events", content=parts(MOST_BYTES + 50_000), headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (413, "the body has more than 1,000,000 bytes")
    assert reading.request("POST", "/v1/events", content=parts(500_000), headers=headers).status_code == 422


@pytest.mark.parametrize("length", ["-1", "x", "", "1e3", "99999999999999999999"])
def test_a_length_that_is_none_is_refused(reading: Api, length: str) -> None:
    answer = reading.request("POST", "/v1/events", content=b"{}", headers={"content-length": length})
    assert answer.status_code in {400, 413}


def test_a_long_address_is_refused(reading: Api) -> None:
    assert reading.get(f"/v1/users/{'x' * LONGEST_PATH}/recommendations").status_code == 414
    assert reading.get("/v1/users/1/recommendations", params={"category": "x" * LONGEST_PATH}).status_code == 414


@pytest.mark.parametrize("given", ["abc.DEF_1-2", "x" * 64])
def test_a_request_id_comes_back(reading: Api, given: str) -> None:
    assert reading.get("/health", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "é".encode(), 'a"}\\n', "<script>"])
def test_a_request_id_that_could_be_anything_is_replaced(reading: Api, given: str | bytes) -> None:
    answer = reading.get("/health", headers={"x-request-id": given}).headers["x-request-id"]
    assert len(answer) == 32
    assert answer != given


def test_a_line_is_json_and_holds_ids_alone(reading: Api, lines: io.StringIO) -> None:
    headers = {"authorization": "Bearer a-secret-key", "x-request-id": "r1", "cookie": "nightschool_key=a-secret-key"}
    path = f"/v1/users/{reading.users[0]}/recommendations"
    reading.get(f"{path}?category=what-i-am-looking-for", headers=headers, client="127.9.8.7")
    (line,) = lines.getvalue().splitlines()
    told = json.loads(line)
    assert set(told) == {"at", "level", "message", "request_id", "method", "path", "status", "milliseconds"}
    assert (told["request_id"], told["method"], told["path"], told["status"]) == ("r1", "GET", path, 422)
    for secret in ("a-secret-key", "127.9.8.7", "looking-for"):
        assert secret not in line


@pytest.mark.parametrize("path", ["/v1/users/%ED%A0%80%0A%22/recommendations", "/%00%1b%5b31m"])
def test_odd_addresses_are_logged_on_one_line(reading: Api, lines: io.StringIO, path: str) -> None:
    assert reading.get(path).status_code == 404
    assert [json.loads(line)["status"] for line in lines.getvalue().splitlines()] == [404]


def test_a_defect_is_told_by_its_id_and_logged_whole(
    reading: Api, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret of the server")

    monkeypatch.setattr("serving.neighbours.similar_items", fail)
    answer = reading.get("/v1/items/1/similar", headers={"x-request-id": "r7"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    told = answer.json()
    assert (told["status"], told["title"], told["request_id"]) == (500, "Internal error", "r7")
    assert "secret" not in answer.text
    logged = [json.loads(line) for line in lines.getvalue().splitlines()]
    (failure,) = [line for line in logged if "error" in line]
    assert (failure["request_id"], failure["level"]) == ("r7", "ERROR")
    assert "ZeroDivisionError: a secret of the server" in failure["error"]
    page = reading.get("/v1/items/1/similar", headers={"accept": "text/html"})
    assert (page.status_code, "<main" in page.text) == (500, True)


def test_every_refusal_is_a_problem_document(reading: Api) -> None:
    for path, status, slug in (
        ("/nothing", 404, "unknown-address"),
        ("/v1/items/x/similar", 404, "not-found"),
        ("/v1/users/1/recommendations?k=x", 422, "invalid-request"),
        ("/v1/users/1/recommendations?category=none", 422, "unfit-request"),
        (f"/v1/{'x' * LONGEST_PATH}", 414, "address-too-long"),
    ):
        answer = reading.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["type"] == f"/problems/{slug}"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    refused = reading.request("PUT", "/v1/releases")
    assert (refused.json()["status"], refused.json()["type"]) == (405, "/problems/method-not-allowed")
    assert refused.headers["allow"] == "GET"


def test_a_request_for_the_head_is_counted_and_logged_as_what_it_is(reading: Api, lines: io.StringIO) -> None:
    reading.request("HEAD", "/v1/releases")
    told = json.loads(lines.getvalue())
    assert (told["method"], told["path"], told["status"]) == ("HEAD", "/v1/releases", 200)
    assert 'route="/v1/releases",status="200"' in reading.get("/metrics").text


def test_who_asks_for_the_head_gets_no_body(reading: Api) -> None:
    path = f"/v1/users/{reading.users[0]}/recommendations"
    whole, head = reading.get(path), reading.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "etag", "content-type"):
        assert head.headers[name] == whole.headers[name]
    assert reading.request("HEAD", "/ready").status_code == 200


def test_who_asks_for_the_options_is_told_the_methods(reading: Api) -> None:
    answer = reading.request("OPTIONS", "/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (204, "POST, HEAD, OPTIONS")
    assert reading.request("OPTIONS", "/nothing").status_code == 404


def test_only_what_makes_much_may_take_long(reading: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.middleware.LONGEST_SECONDS", 0.0)
    assert reading.get(f"/v1/users/{reading.users[0]}/path?goal=1").status_code == 503
    assert reading.get("/v1/items?q=data").status_code == 200
    asked = {"user_ids": reading.users[:3], "diversity": 0.5}
    assert reading.post("/v1/users/recommendations", asked).status_code == 200
