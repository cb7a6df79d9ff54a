"""The OpenAPI document: what FastAPI derives from the routes, with keys, links and the schema of problems."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI

from serving.links import add_links
from serving.schemas.common import Problem
from serving.security import COOKIE, OPEN_PATHS

VERSION: Final = version("nightschool")

TAGS: Final = [
    {"name": "users", "description": "Lists of a user, similar users, and paths to an item or a skill."},
    {
        "name": "items",
        "description": "The catalogue, what is like an item or taken after it, and whom to invite.",
    },
    {"name": "scenarios", "description": "The placements that a list can be asked for."},
    {"name": "interventions", "description": "What the operator pins, boosts and bans."},
    {"name": "events", "description": "What users saw and did: sent, stored at once, and undone."},
    {"name": "operations", "description": "Releases, health, readiness and metrics."},
    {"name": "problems", "description": "What the types of problem documents (RFC 9457) mean."},
]

PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}

_SCHEMES: Final = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key that `nightschool keys add` has made. Without any key the server is for its own machine.",
    },
    "page": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The same key, as the page keeps it after `/sign-in`; for pages of the server itself.",
    },
}


class DocumentedApp(FastAPI):
    """An application whose document says which routes need a key, and holds the schema of problems."""

    def openapi(self) -> dict[str, Any]:
        """Return the document."""
        document = super().openapi()
        if "security" not in document:
            document["security"] = [{name: []} for name in _SCHEMES]
            document["components"]["securitySchemes"] = _SCHEMES
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            for operation in _open_operations(document):
                operation["security"] = []
            add_links(document["paths"])
        return document


def _open_operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the operations that need no key."""
    for path, operations in document["paths"].items():
        if path.startswith(OPEN_PATHS):
            yield from operations.values()
