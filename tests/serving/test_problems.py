import json

import pytest
from fastapi import Request

from serving.problem_types import ProblemType
from serving.problems import document, is_for_people, problem


def request(**headers: str) -> Request:
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {"type": "http", "method": "GET", "path": "/x", "headers": told, "query_string": b"", "request_id": "r"}
    )


def test_a_document_is_as_rfc_9457_has_it() -> None:
    assert json.loads(document(ProblemType.NOT_FOUND, "half \ud800", "r1")) == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "half \\ud800",
        "request_id": "r1",
    }


def test_what_cannot_be_answered_now_says_when_to_ask_again() -> None:
    assert problem(request(), ProblemType.UNAVAILABLE, "no").headers["retry-after"] == "2"
    assert "retry-after" not in problem(request(), ProblemType.NOT_FOUND, "no").headers
    assert problem(request(), ProblemType.NOT_FOUND, "no").headers["cache-control"] == "no-store"
    page = problem(request(accept="text/html"), ProblemType.OVERLOADED, "no")
    assert (page.headers["retry-after"], b"<main" in page.body) == ("2", True)


@pytest.mark.parametrize(
    ("headers", "people"),
    [
        ({"accept": "text/html,*/*"}, True),
        ({"hx-request": "true"}, True),
        ({"accept": "application/json"}, False),
        ({}, False),
    ],
)
def test_browsers_show_answers_to_people(headers: dict[str, str], people: bool) -> None:
    assert is_for_people(headers) is people
