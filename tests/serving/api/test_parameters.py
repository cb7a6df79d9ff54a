"""What anybody might send: ids of every kind, and whatever the document allows or forbids."""

import json
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import CHECKS

from nightschool.settings import Settings
from serving.app import application
from serving.service import Service
from tests.serving.client import ADDRESS, Api
from tests.serving.conftest import copied

ODD = [
    "",
    " ",
    "..",
    ".",
    "a/b",
    "/",
    "//x",
    "a%2Fb",
    "?x=1",
    "#x",
    "-1",
    "007",
    "+7",
    "1e3",
    "1.0",
    "7 ",
    "٧",
    "9" * 18,
    "9" * 19,
    "9" * 400,
    "-0",
    "NaN",
    "null",
    "שלום 🎓",
    "e\u0301",
    "\u202etxt",
    "a\x00b",
    "\x00",
    "\n\r",
    "'; DROP TABLE events; --",
    "1 OR 1=1",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "x" * 512,
    "x" * 513,
    "x" * 10_000,
]
RAW = ["%ED%A0%80", "%FF%FE", "%00", "%", "%zz", "%C0%AF", "%2e%2e%2f"]
"""Path segments as they are on the wire: lone surrogates, bytes that are no UTF-8, faulty escapes."""


@pytest.fixture(scope="module", params=["numbers", "texts"])
def any_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service over ids of one kind."""
    home = request.getfixturevalue("texts") if request.param == "texts" else request.getfixturevalue("served").home
    with Api.over(copied(home, tmp_path_factory.mktemp(request.param) / "home")) as api:
        yield api


def post(api: Api, path: str, body: object) -> httpx.Response:
    """The answer to a body whose lone surrogates are escaped, as JSON allows."""
    return api.request("POST", path, content=json.dumps(body), headers={"content-type": "application/json"})


def require_clear(answer: httpx.Response) -> None:
    """Asserts an answer, or a refusal that says why."""
    assert answer.status_code in {200, 201, 400, 404, 405, 413, 414, 422}, answer.text
    if answer.status_code >= 400:
        assert answer.json()["detail"]


@pytest.mark.parametrize("segment", [*(quote(odd, safe="") for odd in ODD), *RAW])
def test_ids_of_every_kind_in_addresses(any_home: Api, segment: str) -> None:
    for path in ("/v1/users/{}/recommendations", "/v1/users/{}/similar", "/v1/items/{}/similar", "/v1/releases/{}"):
        require_clear(any_home.get(path.format(segment)))
    for name in ("exclude", "category", "max_difficulty"):
        require_clear(any_home.get(f"/v1/users/1/recommendations?{name}={segment}"))


@pytest.mark.parametrize("odd", [*ODD, "\ud800", 0, -1, 2**63, 2**200, 1.5, True, None, [], {}])
def test_ids_of_every_kind_in_bodies(any_home: Api, odd: object) -> None:
    known = any_home.snapshot.catalogue.ids[0]
    require_clear(post(any_home, "/similar-users/", {"user_handle": odd}))
    for body in (
        {"user_id": odd, "item_id": known, "event": "like"},
        {"user_id": "1", "item_id": odd, "event": "like"},
        {"user_id": "1", "item_id": known, "event": "view", "event_id": odd},
        {"user_id": "1", "item_id": known, "event": odd},
    ):
        require_clear(post(any_home, "/v1/events", body))
    require_clear(post(any_home, "/v1/events", odd))
    require_clear(post(any_home, "/v1/events", {str(odd): 1}))


def test_a_number_is_one_user_only_as_it_is_written(any_home: Api) -> None:
    """007 is nobody where ids are numbers, and somebody else than 7 where they are texts."""
    for written in ("007", "%2B7", "7.0", "7%20"):
        answer = any_home.get(f"/v1/users/{written}/recommendations")
        if any_home.snapshot.binding.user_id == "Int64":
            assert answer.status_code == 404
        else:
            assert (answer.status_code, answer.json()["known"]) == (200, False)


@pytest.mark.parametrize("segment", ["a/b", "ein/2/drei", "a/similar", "x/recommendations"])
def test_ids_may_hold_slashes_where_they_are_texts(texts: Any, tmp_path_factory: Any, segment: str) -> None:
    with Api.over(copied(texts, tmp_path_factory.mktemp("slashes") / "home")) as api:
        api.post("/v1/events", {"user_id": segment, "item_id": api.snapshot.catalogue.ids[0], "event": "like"})
        for written in (segment, quote(segment, safe="")):
            answer = api.get(f"/v1/users/{written}/recommendations").json()
            assert (answer["user_id"], answer["overlay"]) == (segment, True)


def ask(api: Api, case: Case) -> httpx.Response:
    told = case.as_transport_kwargs(base_url=ADDRESS)
    content = told.pop("data", None)
    kept = {name: told[name] for name in ("headers", "params", "json") if told.get(name)}
    if "json" not in kept and "json" in told:
        content = json.dumps(told["json"])
    return api.request(told["method"], told["url"], content=content, **kept)


UNFIT = ("unsupported_method", "positive_data_acceptance", "ignored_auth")
"""Checks that do not hold here: paths of ids take any slash, an id that is right may name nobody, and without any key
this machine needs none."""


def check_operation(api: Api, label: str, n: int) -> None:
    """Asserts that answers to n made-up requests are as the document says."""
    document = schemathesis.openapi.from_dict(api.get("/openapi.json").json())
    method, path = label.split()
    operation = document[path][method]
    checks = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in UNFIT]

    @settings(
        max_examples=n,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def fits(case: Case) -> None:
        answer = ask(api, case)
        assert answer.status_code < 500
        case.validate_response(answer, checks=checks)

    fits()


DOCUMENT = application(cast(Service, SimpleNamespace(settings=Settings()))).openapi()
OPERATIONS = [f"{method} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods]
"""Every operation of the document, so that a new route is tried too."""


@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_the_document_says(any_home: Api, label: str) -> None:
    check_operation(any_home, label, 15)


@pytest.mark.parametrize("body", [b"\x14\xff\x08", b'{"user_id": "\xff"}', b"[" * 100_000, b"{", b"", b"1" * 5_000])
def test_bodies_that_are_no_json_get_an_answer_of_the_document(any_home: Api, body: bytes) -> None:
    taking = [label for label in OPERATIONS if "requestBody" in operation_of(label)]
    assert len(taking) > 10
    for label in taking:
        method, path = label.split()
        answer = any_home.request(
            method, path.format(item_id=1, user_id=1), content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code in {400, 422}
        assert answer.json()["detail"]
        assert str(answer.status_code) in operation_of(label)["responses"], label


def operation_of(label: str) -> dict[str, Any]:
    method, path = label.split()
    return dict(DOCUMENT["paths"][path][method])


@pytest.mark.slow
@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_the_document_says_at_length(any_home: Api, label: str) -> None:
    check_operation(any_home, label, 1000)
