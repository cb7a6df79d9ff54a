"""Who may ask what: keys with a role, requests of foreign pages refused, and headers that browsers obey."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Final, NamedTuple

from nightschool.storage.keys import Keys, Role

COOKIE: Final = "nightschool_key"
OPEN_PATHS: Final = ("/health", "/ready", "/sign-in", "/static/")
READS: Final = ("/similar-users/",)
"""Paths that only read although their method is POST."""

HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"content-security-policy": b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'",
}

_LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_REMEMBERED_SECONDS: Final = 1.0
_MOST_REMEMBERED: Final = 1000


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: HTTPStatus
    detail: str


class Guard:
    """Judges requests before anything else reads them.

    Without any key the server is for this machine alone, and everybody on it may read and write; other machines, and
    pages that reach it under a name of theirs, are refused.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._remembered: dict[str, tuple[float, Role | None]] = {}
        self._locked = (0.0, True)

    def refuse(self, method: str, path: str, headers: Mapping[str, str], client: str) -> Refusal | None:
        """Why the request is refused; None where it may go on.

        Args:
            method: Of the request.
            path: Of the request.
            headers: By their names in lower case.
            client: The address that it comes from.
        """
        if method not in _SAFE and _is_foreign(headers):
            return Refusal(HTTPStatus.FORBIDDEN, "a page of another site must not send this")
        if path.startswith(OPEN_PATHS):
            return None
        reads = method in _SAFE or path in READS
        return self._refuse_key(_key(headers), reads=reads) if self.locked else _refuse_stranger(headers, client)

    def _refuse_key(self, key: str | None, *, reads: bool) -> Refusal | None:
        role = self.role_of(key) if key else None
        if role is None:
            return Refusal(HTTPStatus.UNAUTHORIZED, "send a key: Authorization: Bearer KEY")
        return None if reads or role == "write" else Refusal(HTTPStatus.FORBIDDEN, "this key may only read")

    @property
    def locked(self) -> bool:
        """Whether a key is needed: from the first one on."""
        until, locked = self._locked
        if time.monotonic() > until:
            locked = self._keys.any()
            self._locked = (time.monotonic() + _REMEMBERED_SECONDS, locked)
        return locked

    def role_of(self, key: str) -> Role | None:
        """What a key allows; a revoked one is noticed within a second."""
        until, role = self._remembered.get(key, (0.0, None))
        if time.monotonic() > until:
            role = self._keys.role_of(key)
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = (time.monotonic() + _REMEMBERED_SECONDS, role)
        return role


def _refuse_stranger(headers: Mapping[str, str], client: str) -> Refusal | None:
    """Why a request is refused where nobody needs a key; None for one of this machine to a name of this machine."""
    if _is_local(client) and _host(headers.get("host", "")) in _LOCAL_HOSTS:
        return None
    return Refusal(HTTPStatus.FORBIDDEN, "without a key only this machine is served: nightschool keys add")


def _key(headers: Mapping[str, str]) -> str | None:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _is_local(client: str) -> bool:
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return False


def _is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another site sent the request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _host(value: str) -> str:
    """The name in a Host header, without the port."""
    if value.startswith("["):
        return value[: value.find("]") + 1].lower()
    return value.partition(":")[0].lower()
