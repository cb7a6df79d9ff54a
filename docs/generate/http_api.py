"""The reference of the HTTP API, from the application's OpenAPI document."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from docs.generate.writing import code, from_google, table
from nightschool.settings import Settings
from serving.app import application
from serving.problem_types import ProblemType
from serving.service import Service

_PROBLEMS: Final = """## Types of problems

The `type` of a [problem document](#problem) is one of these paths, which stay as they are; the server answers what it
means there, to a browser as a page. Programs compare `type`; `detail` says what is wrong with this request.
"""

_HEAD: Final = """# HTTP API

`nightschool serve` answers these routes; the same as an OpenAPI document is at `/openapi.json`, and as a page that
sends requests at `/docs`. Answers made from a release hold its `release_id`.

- Errors are [problem documents](#types-of-problems) (RFC 9457, `application/problem+json`) with the id that finds the
  request in the server's log; every answer carries it as `X-Request-Id`.
- With a key in use, every request but those to `/health`, `/ready` and `/problems/` needs `Authorization: Bearer KEY`
  ([keys and roles](../how-to/serve.md#make-keys)).
- Answers of a kilobyte or more go out compressed where the request has `Accept-Encoding: gzip`.
- Pages of other sites use the API from a browser where `NIGHTSCHOOL_CORS_ORIGINS` [lists their
  origins](../how-to/serve.md#let-pages-of-other-sites-ask).
"""


def page() -> str:
    """Return the page: every route with its parameters, body and answers, then types of problems and every body."""
    document = openapi()
    parts = [_HEAD]
    for method, path, operation in routes(document):
        parts += [
            f"## {method.upper()} {path}",
            from_google(operation.get("description") or operation.get("summary", "")),
        ]
        if parameters := operation.get("parameters"):
            parts.append(
                table(("parameter", "in", "takes", "default", "meaning"), [_parameter(each) for each in parameters])
            )
        if body := operation.get("requestBody"):
            parts.append(f"Body: {' or '.join(_shapes(body['content']))}.")
        parts.append(
            table(("answer", "holds"), [_answer(status, answer) for status, answer in operation["responses"].items()])
        )
    parts += [_PROBLEMS, table(("type", "status", "title", "means", "do"), map(_problem, ProblemType)), "## Bodies"]
    for name, schema in document["components"]["schemas"].items():
        parts += [
            f"### {name}",
            from_google(schema.get("description", "")),
            table(("field", "type", "meaning"), _fields(schema)),
        ]
    return "\n\n".join(parts) + "\n"


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the application, made over an empty home."""
    with TemporaryDirectory() as home:
        return application(Service(Settings(home=Path(home)))).openapi()


def routes(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of each route."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method, path, operation


def _problem(kind: ProblemType) -> tuple[str, int, str, str, str]:
    return code(kind.uri), kind.status.value, kind.title, kind.meaning, kind.remedy


def _parameter(each: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    schema = each["schema"]
    default = "required" if each.get("required") else schema.get("default", "")
    return (
        code(each["name"]),
        each["in"],
        _type(schema),
        code(default),
        each.get("description") or schema.get("description", ""),
    )


def _answer(status: str, answer: Mapping[str, Any]) -> tuple[str, str]:
    shapes = [shape for shape in _shapes(answer.get("content", {})) if shape not in answer.get("description", "")]
    described = answer.get("description", "").rstrip(".")
    return status, f"{described}{': ' if shapes and described else ''}{' or '.join(shapes)}"


def _shapes(content: Mapping[str, Any]) -> list[str]:
    return [_type(each["schema"]) if each.get("schema") else code(kind) for kind, each in content.items()]


def _fields(schema: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    required = schema.get("required", [])
    return [
        (code(name), _type(each), (each.get("description", "") + ("" if name in required else " *optional*")).strip())
        for name, each in schema.get("properties", {}).items()
    ]


def _type(schema: Mapping[str, Any]) -> str:
    """Return a JSON schema's type as people write it; a named one as a link."""
    if name := schema.get("$ref", "").rpartition("/")[2] or (schema.get("title") == "Problem" and "Problem"):
        return f"[{name}](#{name.lower()})"
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(each) for each in several if each.get("type") != "null")
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return " or ".join(code(each) for each in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return "instant" if schema.get("format") == "date-time" else str(schema.get("type", "anything"))
