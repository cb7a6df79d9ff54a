"""Cross-origin requests: which pages of other sites may use the API from a browser."""

import re
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from nightschool.errors import ConfigurationError

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT: Final = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-Id")
_EXPOSED: Final = ("ETag", "Retry-After", "X-Request-Id")
_ORIGIN: Final = re.compile(r"(https?)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def parse_origins(text: str) -> frozenset[str]:
    """Return the origins of the setting `cors_origins`.

    Args:
        text: Origins as browsers write them, separated by commas or spaces.

    Raises:
        ConfigurationError: One of them is a wildcard or not an origin.
    """
    origins = frozenset(text.replace(",", " ").split())
    for origin in sorted(origins):
        if "*" in origin:
            raise ConfigurationError(
                "NIGHTSCHOOL_CORS_ORIGINS takes no wildcard", seen=origin, do="name each origin that may use the API"
            )
        if not _is_origin(origin):
            raise ConfigurationError(
                "NIGHTSCHOOL_CORS_ORIGINS has something that is no origin",
                seen=origin,
                do="write it as browsers do: http or https, the host in lower case, a port unless it is the usual one, "
                "and nothing behind it, such as https://app.example",
            )
    return origins


def with_cors(app: ASGIApp, origins: frozenset[str]) -> ASGIApp:
    """Wrap an application so that pages of these origins may read its responses; without any, return it as it is.

    Preflight requests are answered before the application sees them, and no origin may send cookies.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_SENT, expose_headers=_EXPOSED
    )


def _is_origin(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return False
    port = int(found[2] or 0)
    return port <= 65_535 and port != _DEFAULT_PORTS[found[1]]
