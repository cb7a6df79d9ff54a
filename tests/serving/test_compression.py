"""Compressed answers: for whom, how they are told apart, and that they are the same inside."""

import gzip

import pytest

from serving.compression import WORTH_PACKING, accepts_gzip
from tests.serving.client import Api

GZIP, PLAIN = {"accept-encoding": "gzip"}, {"accept-encoding": "identity"}


@pytest.mark.parametrize(
    ("codings", "accepted"),
    [
        ("gzip", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("*", True),
        ("GZIP; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *;q=1", False),
        ("*;q=0", False),
        ("br", False),
        ("", False),
    ],
)
def test_a_client_says_whether_it_takes_gzip(codings: str, accepted: bool) -> None:
    assert accepts_gzip(codings) is accepted


def path(api: Api, k: int = 20) -> str:
    return f"/v1/users/{api.users[0]}/recommendations?k={k}"


def test_a_long_answer_is_compressed_and_the_same(reading: Api) -> None:
    packed, plain = reading.get(path(reading), headers=GZIP), reading.get(path(reading), headers=PLAIN)
    assert packed.json() == plain.json()
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert "content-encoding" not in plain.headers
    for name in ("etag", "vary", "content-type", "cache-control"):
        assert packed.headers[name] == plain.headers[name]
    assert packed.headers["vary"] == "authorization, cookie, Accept-Encoding"


def test_a_short_answer_goes_out_as_it_is(reading: Api) -> None:
    for address in (path(reading, 1), "/health", "/problems/not-found"):
        answer = reading.get(address, headers=GZIP)
        assert len(answer.content) < WORTH_PACKING
        assert "content-encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize("codings", ["gzip;q=0", "identity", "br, gzip;q=0.0"])
def test_who_refuses_gzip_gets_none(reading: Api, codings: str) -> None:
    for address in (path(reading), "/openapi.json", "/", "/metrics"):
        answer = reading.get(address, headers={"accept-encoding": codings})
        assert len(answer.content) > WORTH_PACKING
        assert "content-encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize("address", ["/openapi.json", "/", "/metrics"])
def test_everything_long_is_compressed_once(reading: Api, address: str) -> None:
    answer = reading.get(address, headers=GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content[:2] != gzip.compress(b"")[:2]
    assert answer.headers["vary"].lower().count("accept-encoding") == 1


def test_the_head_tells_the_length_of_what_would_be_sent(reading: Api) -> None:
    for codings in (GZIP, PLAIN):
        whole, head = (reading.request(method, path(reading), headers=codings) for method in ("GET", "HEAD"))
        assert head.content == b""
        for name in ("content-length", "content-encoding", "etag", "vary"):
            assert head.headers.get(name) == whole.headers.get(name)


def test_a_refusal_that_is_long_is_compressed_too(reading: Api) -> None:
    page = reading.get("/nothing", headers={**GZIP, "accept": "text/html"})
    assert (page.status_code, page.headers["content-encoding"], "<main" in page.text) == (404, "gzip", True)
    foreign = {**GZIP, "accept": "text/html", "origin": "https://evil.example"}
    refused = reading.request("POST", "/v1/events", headers=foreign)
    assert (refused.status_code, refused.headers["content-encoding"]) == (403, "gzip")
