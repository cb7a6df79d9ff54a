"""What a type of problem means, to programs and to people."""

import pytest

from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from serving.problem_types import ProblemType
from tests.serving.client import Api


@pytest.mark.parametrize("kind", ProblemType, ids=lambda kind: kind.slug)
def test_the_type_of_a_problem_leads_to_what_it_means(reading: Api, kind: ProblemType) -> None:
    answer = reading.get(kind.uri)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "meaning": kind.meaning,
        "remedy": kind.remedy,
    }
    page = reading.get(kind.uri, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{kind.title}</h1>" in page.text
    for response in (answer, page):
        assert "Accept" in response.headers["vary"].split(", ")


def test_a_refusal_of_the_service_leads_there_without_a_key(writing: Api) -> None:
    key = Keys(open_database(writing.service.settings.events_address)).add("browser", "read")
    writing.service.refresh()
    refused = writing.get("/v1/releases")
    assert (refused.status_code, refused.json()["title"]) == (401, "No valid key")
    assert writing.get(refused.json()["type"]).json()["status"] == 401
    reader = {"authorization": f"Bearer {key}"}
    low = writing.request("DELETE", "/v1/events/x", headers=reader).json()
    assert (low["type"], low["status"]) == ("/problems/role-too-low", 403)
    assert writing.get(low["type"], headers=reader).status_code == 200


@pytest.mark.parametrize("slug", ["nothing", "NOT-FOUND", "not_found", "%00", "<b>", "x" * 64])
def test_a_type_that_is_none_is_not_found(reading: Api, slug: str) -> None:
    answer = reading.get(f"/problems/{slug}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert "rate-limited" in answer.json()["detail"]
    page = reading.get(f"/problems/{slug}", headers={"accept": "text/html"})
    assert (page.status_code, "<main" in page.text, "<b>" in page.text) == (404, True, False)


@pytest.mark.parametrize("path", ["/problems", "/problems/", "/problems/not-found/", "/problems/a/b"])
def test_nothing_else_is_there(reading: Api, path: str) -> None:
    assert reading.get(path).status_code in {404, 422}
