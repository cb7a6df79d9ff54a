"""ASGI middleware: request id, authorization, limits, security headers, metrics."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from uuid import uuid4

from fastapi import HTTPException, Request

from serving.caller import ANYBODY, Caller
from serving.compression import VARIES, Compression, varies_by_coding
from serving.cors import with_cors
from serving.page.refusals import refused
from serving.problem_types import ProblemType
from serving.problems import FAILED
from serving.security import HEADERS, Guard, Refusal
from serving.telemetry import REQUESTS, SECONDS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES: Final = 1_000_000
"""The largest body that is read."""

LONGEST_PATH: Final = 8_192
LONGEST_SECONDS: Final = 5.0
"""How long a request may wait for a thread; work that has begun by then has its own time limits."""

PATIENCE: Final = {
    "/v1/users/recommendations": 60.0,
    "/v1/items": 60.0,
    "/catalogue": 60.0,
    "/operator/tables/download": 3_600.0,
    "/operator/quarantine/download": 3_600.0,
}
"""Path to the seconds that a request may take which makes much: the lists of many users, a missing search index, files.
"""

logger = logging.getLogger("nightschool.serving.requests")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OWN_HEADERS: Final = list(HEADERS.items())


class Middleware:
    """An ASGI application that checks, limits, compresses, counts and logs the requests to another one."""

    def __init__(self, app: App, guard: Guard, origins: frozenset[str] = frozenset()) -> None:
        self._app = with_cors(Compression(Guarded(app, guard)), origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and log how."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        if request.method == "HEAD":
            # The same as for GET, of which `send` leaves out the body.
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, receive, request.send)
        finally:
            request.close(scope)


class Guarded:
    """An ASGI application that lets another one answer the requests that are authorized, within limits."""

    def __init__(self, app: App, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, by the inner application or by a refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request: _Request = scope["request"]
        authorized = self._authorize(scope, request.headers)
        scope["caller"] = authorized.caller if isinstance(authorized, Refusal) else authorized
        try:
            if isinstance(authorized, Refusal):
                await refused(Request(scope), authorized)(scope, receive, send)
            else:
                async with asyncio.timeout(PATIENCE.get(scope["path"], LONGEST_SECONDS)):
                    await self._app(scope, _limited(receive), send)
        except TimeoutError:
            if not request.begun:
                await refused(Request(scope), _TOO_BUSY)(scope, _nothing, send)
        except Exception:  # noqa: BLE001  # logged with its traceback; the client gets the request id
            request.log_failure(scope)
            if not request.begun:
                await refused(Request(scope), _FAILED)(scope, _nothing, send)

    def _authorize(self, scope: Scope, headers: Mapping[str, str]) -> Refusal | Caller:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return _TOO_LARGE
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_PATH:
            return Refusal(ProblemType.ADDRESS_TOO_LONG, f"the address has more than {LONGEST_PATH:,} bytes")
        client = scope["client"][0] if scope.get("client") else ""
        return self._guard.authorize(scope["method"], scope["path"], headers, client)


_TOO_LARGE: Final = Refusal(ProblemType.BODY_TOO_LARGE, f"the body has more than {MOST_BYTES:,} bytes")
_TOO_BUSY: Final = Refusal(ProblemType.OVERLOADED, "the server is overloaded; ask again in a moment")
_FAILED: Final = Refusal(ProblemType.INTERNAL_ERROR, FAILED)


class _Request:
    """A request: its id, the headers of its response, and what is counted and logged of it.

    It holds no scope, which holds it: what refers to itself would wait for the garbage collector.

    Attributes:
        headers: By their names in lower case.
        method: As it was sent.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.method: str = scope["method"]
        given = self.headers.get("x-request-id", "")
        self._id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        self._send = send
        self._started = time.perf_counter()
        self._status = 0
        scope["request_id"] = self._id
        scope["request"] = self

    @property
    def begun(self) -> bool:
        """Return whether a part of the response has been sent."""
        return self._status != 0

    async def send(self, message: Message) -> None:
        """Send a part of the response; add the headers that every response has."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = message.get("headers", ())
            varies = () if varies_by_coding(headers) else (VARIES,)
            message["headers"] = [*headers, *varies, *_OWN_HEADERS, (b"x-request-id", self._id.encode())]
        elif self.method == "HEAD":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await self._send(message)

    def log_failure(self, scope: Scope) -> None:
        """Log the exception being handled, with the request's id."""
        caller: Caller = scope.get("caller", ANYBODY)
        details = {"request_id": self._id, "key": caller.name, "method": self.method, "path": scope["path"]}
        logger.exception("a request failed", extra={"details": details})

    def close(self, scope: Scope) -> None:
        """Count the request and log it."""
        seconds = time.perf_counter() - self._started
        route = getattr(scope.get("route"), "path", "none")
        REQUESTS.labels(route, self._status).inc()
        SECONDS.labels(route).observe(seconds)
        if logger.isEnabledFor(logging.INFO):
            caller: Caller = scope.get("caller", ANYBODY)
            details = {
                "request_id": self._id,
                **({"key": caller.name} if caller.name else {}),
                "method": self.method,
                "path": scope["path"],
                "status": self._status,
                "milliseconds": round(seconds * 1000, 2),
            }
            logger.info("request", extra={"details": details})


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _limited(receive: Receive) -> Receive:
    """Wrap `receive` so that a body beyond the limit raises the one exception that the application answers with 413."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BYTES:
            raise HTTPException(_TOO_LARGE.status, _TOO_LARGE.detail)
        return message

    return limited
