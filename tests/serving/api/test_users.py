"""Lists and neighbours over HTTP: what is kept, what still holds, and what is told of whom."""

import polars as pl
import pytest

from nightschool.columns import METHOD, SIMILAR_USERS, USER_ID
from tests.serving.client import Api
from tests.serving.homes import publish


def path(api: Api, place: int = 0) -> str:
    return f"/v1/users/{api.users[place]}/recommendations"


def figure(api: Api, name: str) -> float:
    """A figure of /metrics without labels."""
    (line,) = [line for line in api.get("/metrics").text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def test_an_answer_that_still_holds_is_not_sent_again(reading: Api) -> None:
    first = reading.get(path(reading))
    again = reading.get(path(reading), headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    for answer in (first, again):
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "authorization, cookie, Accept-Encoding"
    assert reading.get(path(reading, 1)).headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("given", ['"other"', "", "W/", '"'])
def test_another_tag_is_answered_whole(reading: Api, given: str) -> None:
    assert reading.get(path(reading), headers={"if-none-match": given}).status_code == 200


def test_weak_lists_of_tags_and_a_star_hold_too(reading: Api) -> None:
    tag = reading.get(path(reading)).headers["etag"]
    assert tag.startswith('W/"')
    for given in (f'"x", {tag}', tag.removeprefix("W/"), "*"):
        assert reading.get(path(reading), headers={"if-none-match": given}).status_code == 304, given


@pytest.mark.parametrize("codings", [("gzip", "identity"), ("identity", "gzip")])
def test_a_tag_holds_whichever_way_the_answer_is_coded(reading: Api, codings: tuple[str, str]) -> None:
    first, again = ({"accept-encoding": coding} for coding in codings)
    tag = reading.get(path(reading), headers=first).headers["etag"]
    held = reading.get(path(reading), headers={**again, "if-none-match": tag})
    assert (held.status_code, held.content, held.headers["etag"]) == (304, b"", tag)
    assert "content-encoding" not in held.headers


def test_events_rules_and_releases_change_the_tag(writing: Api) -> None:
    tags = [writing.get(path(writing)).headers["etag"]]
    user = writing.users[0]
    writing.send(user, "like", writing.items_of(user)[0])
    tags.append(writing.get(path(writing)).headers["etag"])
    writing.service.settings.paths.rules.write_text("diversity = 0.9\n")
    writing.service.refresh()
    tags.append(writing.get(path(writing)).headers["etag"])
    publish(writing.home)
    writing.service.refresh()
    tags.append(writing.get(path(writing)).headers["etag"])
    assert len(set(tags)) == 4


def test_the_cache_is_told_in_the_figures(writing: Api) -> None:
    asked, made = figure(writing, "nightschool_lists_asked_total"), figure(writing, "nightschool_lists_made_total")
    for _ in range(5):
        writing.get(path(writing))
    assert figure(writing, "nightschool_lists_asked_total") == asked + 5
    assert figure(writing, "nightschool_lists_made_total") == made + 1
    writing.send(writing.users[0], "like", writing.items_of(writing.users[1])[0])
    writing.get(path(writing))
    assert figure(writing, "nightschool_lists_made_total") == made + 3


def test_a_query_is_checked_each_time(reading: Api) -> None:
    for _ in range(2):
        assert reading.get(path(reading), params={"k": 3}).status_code == 200
        assert reading.get(path(reading), params={"k": 201}).status_code == 422
        assert reading.get(path(reading), params={"colour": "red"}).status_code == 422
        assert reading.get(f"/v1/users/{'9' * 600}/recommendations", params={"k": 3}).status_code == 422


@pytest.mark.parametrize("method", ["interests", "co_engagement", "combined"])
def test_neighbours_are_the_tables(reading: Api, method: str) -> None:
    release = reading.snapshot.release.release_id
    rows = reading.home.lake.scan(SIMILAR_USERS, release).collect().filter(pl.col(METHOD) == method)
    for user in reading.users[:20]:
        theirs = rows.filter(rows[USER_ID] == user).sort("rank")
        answer = reading.get(f"/v1/users/{user}/similar?method={method}").json()
        assert [each["user_id"] for each in answer["users"]] == theirs["neighbor_id"].to_list()
        assert len(answer["users"]) <= 10
        assert user not in [each["user_id"] for each in answer["users"]]
        fewer = reading.get(f"/v1/users/{user}/similar?method={method}&k=2").json()
        assert fewer["users"] == answer["users"][:2]


def test_neighbours_by_handle(reading: Api) -> None:
    user = reading.users[0]
    combined = reading.get(f"/v1/users/{user}/similar").json()
    answer = reading.post("/similar-users/", {"user_handle": user})
    assert answer.json() == {
        "request_data": user,
        "data": {
            "model_handle": combined["release_id"],
            "similar_users": [each["user_id"] for each in combined["users"]],
        },
    }


@pytest.mark.parametrize("body", [{}, {"user_handle": None}, {"user_handle": ""}])
def test_a_blank_handle_is_a_bad_request(reading: Api, body: dict[str, object]) -> None:
    answer = reading.post("/similar-users/", body)
    assert (answer.status_code, answer.json()["detail"]) == (400, "This field cannot be left blank!")


def test_neighbours_of_nobody_are_not_found(reading: Api) -> None:
    assert reading.get("/v1/users/987654/similar").status_code == 404
    answer = reading.post("/similar-users/", {"user_handle": 987_654})
    assert (answer.status_code, answer.json()["detail"]) == (404, "User with user_handle: 987654 not found")
    assert reading.get(f"/v1/users/{reading.users[0]}/similar?method=magic").status_code == 422
