"""Placements of a page over HTTP: what each shows, and what the ones below leave out."""

from typing import Any

import pytest

from serving import sessions
from tests.serving.client import Api

PAGE = """
[hero]
title = "For you"
k = 3

[similar]
below = ["hero"]
k = 4
[similar.rules]
models = ["content"]

[footer]
below = ["hero", "similar"]
[footer.rules]
quota = 1
"""


@pytest.fixture
def page(writing: Api) -> Api:
    writing.service.settings.paths.scenarios.write_text(PAGE)
    writing.service.refresh()
    return writing


def test_scenarios_are_listed(page: Api) -> None:
    found = page.get("/v1/scenarios").json()["scenarios"]
    assert [(one["name"], one["k"], one["below"]) for one in found] == [
        ("hero", 3, []),
        ("similar", 4, ["hero"]),
        ("footer", 10, ["hero", "similar"]),
    ]
    assert found[1]["rules"] == {"models": ["content"]}


def test_a_page_shows_no_item_twice(page: Api) -> None:
    for user in [*page.users[:5], 999_999]:
        answers = {name: page.list_of(user, scenario=name) for name in ("hero", "similar", "footer")}
        shown = [item["item_id"] for answer in answers.values() for item in answer["items"]]
        assert len(set(shown)) == len(shown)
        assert {name: answer["scenario"] for name, answer in answers.items()} == {name: name for name in answers}
        assert [len(answers[name]["items"]) for name in ("hero", "similar")] == [3, 4]


def test_a_scenario_ranks_by_its_models_and_says_where_it_cannot(page: Api) -> None:
    user = page.users[0]
    assert {item["source"] for item in page.list_of(user, scenario="similar")["items"]} == {"content"}
    paths = page.service.settings.paths
    paths.scenarios.write_text('[other.rules]\nmodels = ["svd"]\n')
    page.service.refresh()
    answer = page.list_of(user, scenario="other")
    assert answer["warnings"] == ["the release has no scores by the model svd of the rules"]
    assert [item["item_id"] for item in answer["items"]] == page.items_of(user)


def test_an_event_changes_every_placement(page: Api) -> None:
    user = page.users[0]
    first = page.items_of(user, scenario="hero")
    page.send(user, "complete", first[0])
    shown = [item for name in ("hero", "similar", "footer") for item in page.items_of(user, scenario=name)]
    assert first[0] not in shown
    assert len(set(shown)) == len(shown)


def test_sessions_have_placements_too(page: Api) -> None:
    met = page.items_of(page.users[0])[:2]
    shown = list(met)
    for name in ("hero", "similar", "footer"):
        answer = page.post("/v1/recommendations", {"items": met, "scenario": name}).json()
        assert answer["scenario"] == name
        shown += [item["item_id"] for item in answer["items"]]
    assert len(set(shown)) == len(shown) > 10


def test_pages_of_a_scenario_go_on_in_its_length(page: Api) -> None:
    user = page.users[0]
    first = page.list_of(user, scenario="hero")
    second = page.list_of(user, scenario="hero", after=first["next"])
    assert len(second["items"]) == 3
    assert not {item["item_id"] for item in first["items"]} & {item["item_id"] for item in second["items"]}


def test_an_unknown_scenario_is_refused_by_name(page: Api) -> None:
    for answer in (
        page.get(f"/v1/users/{page.users[0]}/recommendations", params={"scenario": "nothing"}),
        page.post("/v1/recommendations", {"items": [], "scenario": "nothing"}),
        page.post("/v1/users/recommendations", {"user_ids": [1], "scenario": "nothing"}),
    ):
        assert answer.status_code == 422
        assert "use one of hero, similar, footer" in answer.json()["detail"]


def test_lists_of_a_scenario_are_counted(page: Api) -> None:
    def counted() -> float:
        lines = page.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith('nightschool_scenario_lists_total{scenario="hero"}')]
        return float(found[0].split()[-1]) if found else 0.0

    before = counted()
    page.items_of(page.users[0], scenario="footer")
    assert counted() == before
    page.items_of(page.users[0], scenario="hero")
    assert counted() == before + 1


def test_each_list_of_a_page_is_made_once_for_a_session(page: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"p{place}" for place in range(12)]
    tables = [f"[{name}]\nk = 2\nbelow = {names[:place]}\n" for place, name in enumerate(names)]
    page.service.settings.paths.scenarios.write_text("".join(tables))
    page.service.refresh()
    made: list[str] = []
    whole = sessions.session_list

    def counted(*told: Any) -> dict[str, Any]:
        made.append(told[-1].scenario)
        return whole(*told)

    monkeypatch.setattr(sessions, "session_list", counted)
    answer = page.post("/v1/recommendations", {"items": page.items_of(page.users[0])[:2], "scenario": names[-1]})
    assert (answer.status_code, sorted(made)) == (200, sorted(names))


def test_many_lists_are_no_longer_than_one_request_may_ask(page: Api) -> None:
    page.service.settings.paths.scenarios.write_text("[long]\nk = 200\n")
    page.service.refresh()
    (found,) = page.post("/v1/users/recommendations", {"user_ids": [page.users[0]], "scenario": "long"}).json()["lists"]
    assert len(found["items"]) == 50
