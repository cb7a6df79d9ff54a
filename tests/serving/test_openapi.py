"""The OpenAPI document: valid, whole, and with examples that fit."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from schemathesis.specs.openapi.definitions import OPENAPI_31

from nightschool.settings import Settings
from serving.app import application
from serving.openapi import TAGS
from serving.problem_types import ProblemType
from serving.security import COOKIE
from serving.service import Service
from tests.serving.client import Api

ROOT = Path(__file__).parents[2]
OPEN = {"/health", "/ready", "/problems/{slug}"}
SHOWN = {
    "/v1/users/{user_id}/recommendations",
    "/v1/users/{user_id}/similar",
    "/v1/users/{user_id}/path",
    "/similar-users/",
    "/v1/items/{item_id}/similar",
    "/v1/items/{item_id}/next",
    "/v1/events",
    "/v1/events/{event_id}",
    "/v1/releases",
    "/v1/releases/{release_id}",
    "/ready",
    "/problems/{slug}",
}
"""Paths whose answers are shown by an example."""

Found = tuple[str, dict[str, Any], Any]
"""Where an example is, its schema, and the example."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return application(cast(Service, SimpleNamespace(settings=Settings()))).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert list(Draft202012Validator(OPENAPI_31).iter_errors(document)) == []
    for name, schema in document["components"]["schemas"].items():
        assert not list(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema)), name


def test_the_validator_sees_what_is_wrong(document: dict[str, Any]) -> None:
    wrong = {**document, "paths": {"/x": {"get": {"security": "key"}}}}
    assert list(Draft202012Validator(OPENAPI_31).iter_errors(wrong)) != []


def test_it_is_the_version_of_the_package(document: dict[str, Any]) -> None:
    assert document["info"]["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_every_operation_says_which_key_it_takes(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"key", "page"}
    assert document["components"]["securitySchemes"]["page"]["name"] == COOKIE
    for path, _, operation in operations(document):
        security = operation.get("security", document["security"])
        assert security == ([] if path in OPEN else [{"key": []}, {"page": []}]), path


def test_every_tag_is_described_and_used(document: dict[str, Any]) -> None:
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in TAGS} == {tag["name"] for tag in document["tags"]}
    assert all(tag["description"] for tag in document["tags"])


def test_every_operation_has_a_summary_of_its_own(document: dict[str, Any]) -> None:
    summaries = [operation["summary"] for _, _, operation in operations(document)]
    assert len(set(summaries)) == len(summaries)
    assert [summary for summary in summaries if summary == summary.title()] == []


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    registry = Registry().with_resource("", DRAFT202012.create_resource(document))
    found = list(references(document))
    assert "#/components/schemas/Problem" in found
    for reference in found:
        assert registry.resolver().lookup(reference).contents


def references(part: Any) -> Iterator[str]:
    """Every `$ref` below a part of the document."""
    below = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    for each in below:
        yield from references(each)


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    found = [*of_parameters(document), *of_bodies(document), *of_schemas(document)]
    assert len(found) > 50
    for place, schema, example in found:
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert [error.message for error in validator.iter_errors(example)] == [], place


def test_every_parameter_has_an_example(document: dict[str, Any]) -> None:
    shown = {place for place, _, _ in of_parameters(document)}
    asked = {f"{path} {each['name']}" for path, _, operation in operations(document) for each in parameters(operation)}
    assert shown == asked
    assert len(asked) > 20


def test_every_answer_that_is_read_by_programs_has_an_example(document: dict[str, Any]) -> None:
    named = {place for place, _, _ in of_schemas(document)}
    for path, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                shown = content.get("examples") or name in named
                assert shown or path not in SHOWN or kind == "text/html", (path, status)


def test_examples_of_problems_are_problems_of_the_service(document: dict[str, Any]) -> None:
    shown = {slug: (status, value) for status, slug, value in problems(document)}
    assert len(shown) >= 12
    for slug, (status, value) in shown.items():
        kind = ProblemType[slug.upper().replace("-", "_")]
        assert (value["type"], value["title"], value["status"]) == (kind.uri, kind.title, int(status))


def problems(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/problem+json", {})
            for slug, example in content.get("examples", {}).items():
                yield status, slug, example["value"]


def test_the_document_that_is_served_is_whole(reading: Api, document: dict[str, Any]) -> None:
    for _ in range(2):
        assert reading.get("/openapi.json").json() == document


def parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return list(operation.get("parameters", []))


def of_parameters(document: dict[str, Any]) -> Iterator[Found]:
    for path, _, operation in operations(document):
        for each in parameters(operation):
            for example in each["schema"].get("examples", []):
                yield f"{path} {each['name']}", each["schema"], example


def of_bodies(document: dict[str, Any]) -> Iterator[Found]:
    for path, _, operation in operations(document):
        for answer in (operation.get("requestBody", {}), *operation["responses"].values()):
            for content in answer.get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    yield f"{path} {name}", content["schema"], example["value"]


def of_schemas(document: dict[str, Any]) -> Iterator[Found]:
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", []):
            yield name, schema, example
