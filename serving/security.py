"""Authorization of requests by keys and roles, protection against other sites' pages, and security headers."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final, NamedTuple

from nightschool.storage.keys import Key, Role
from serving.caller import ANYBODY, THIS_MACHINE, Caller
from serving.keyring import Keyring
from serving.problem_types import PATH, ProblemType
from serving.shared import Shared

COOKIE: Final = "nightschool_key"
OPEN_PATHS: Final = ("/health", "/ready", "/sign-in", "/sign-out", "/static/", PATH)
READS: Final = ("/similar-users/", "/v1/recommendations", "/v1/rank", "/v1/users/recommendations")
"""Paths that only read, although their method is POST."""

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
_CHALLENGE: Final = {"www-authenticate": "Bearer"}
_FORWARDED: Final = ("forwarded", "x-forwarded-", "x-real-ip")


class Refusal(NamedTuple):
    """The response to a request that is refused."""

    kind: ProblemType
    detail: str
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def status(self) -> HTTPStatus:
        """Return the status of the response."""
        return self.kind.status


class Guard:
    """Authorizes requests before anything else reads them, by what is in memory.

    Without any key the server is for this machine alone, and every user of it may read and write; other machines, other
    host names and forwarded requests are refused.
    """

    def __init__(self, keyring: Keyring, shared: Shared, origins: frozenset[str] = frozenset()) -> None:
        """Guard by the keys.

        Args:
            keyring: The keys.
            shared: Memory that the workers of this server share.
            origins: The origins of other sites' pages that may use the API; a cookie counts for none of them.
        """
        self._keyring = keyring
        self._shared = shared
        self._origins = origins

    def authorize(self, method: str, path: str, headers: Mapping[str, str], client: str) -> Refusal | Caller:
        """Return the caller of a request, or why it is refused.

        Args:
            method: Method of the request.
            path: Path of the request.
            headers: Headers by their names in lower case.
            client: The IP address of the client.
        """
        listed = headers.get("origin") in self._origins and _is_foreign(headers)
        given = _bearer(headers) or (None if listed else _cookie(headers))
        if method not in _SAFE and _is_foreign(headers) and not (listed and given and self._checks_keys):
            return Refusal(ProblemType.FOREIGN_PAGE, "a page of another site may not send this request")
        key = self._keyring.find(given) if given else None
        if path.startswith(OPEN_PATHS):
            return ANYBODY if key is None else Caller(key.name, key.role, key.user_id)
        if not self._keyring.known:
            return Refusal(
                ProblemType.UNAVAILABLE,
                "the keys cannot be read now; ask again in a moment",
                {"retry-after": "2"},
            )
        if not self._keyring.locked:
            return _refuse_remote(headers, client) or THIS_MACHINE
        if key is None:
            return Refusal(ProblemType.NO_KEY, "send a key: Authorization: Bearer KEY", _CHALLENGE)
        return self._refuse_key(key, method, path) or Caller(key.name, key.role, key.user_id)

    @property
    def _checks_keys(self) -> bool:
        return self._keyring.locked or not self._keyring.known

    def _refuse_key(self, key: Key, method: str, path: str) -> Refusal | None:
        needed = needed_role(method, path)
        if not key.allows(needed):
            detail = f"this key has the role {key.role}; the request needs one with the role {needed}"
            return Refusal(ProblemType.ROLE_TOO_LOW, detail)
        if key.user_id is not None and not _is_of(key.user_id, method, path):
            return Refusal(ProblemType.OTHER_USER, "this key is for the lists and events of one user only")
        wait = self._shared.wait_of(key.name, key.per_second) if key.per_second else 0.0
        if wait > 0:
            detail = f"this key may ask {key.per_second:g} times a second; see Retry-After"
            return Refusal(ProblemType.RATE_LIMITED, detail, {"retry-after": str(math.ceil(wait))})
        return None


def needed_role(method: str, path: str) -> Role:
    """Return the role that a request needs."""
    if method in _SAFE or path in READS:
        return "read"
    return "operate" if path.startswith("/operator") else "events"


def _is_of(user_id: str, method: str, path: str) -> bool:
    """Return whether a request is about one user or none; routes of events, impressions and ranks check that."""
    if method in _SAFE:
        own = (f"/v1/users/{user_id}/recommendations", f"/v1/users/{user_id}/path")
        return path in own or (f"{path}/".startswith("/v1/items/") and not path.rstrip().endswith("/users"))
    return path in ("/v1/events", "/v1/impressions", "/v1/recommendations", "/v1/rank") or path.startswith(
        "/v1/events/"
    )


def _refuse_remote(headers: Mapping[str, str], client: str) -> Refusal | None:
    """Refuse a request that does not come from this machine to a name of this machine, while there is no key."""
    forwarded = [name for name in headers if name.startswith(_FORWARDED)]
    if forwarded:
        detail = f"without a key nothing is served through a proxy (header {forwarded[0]}): run `nightschool keys add`"
        return Refusal(ProblemType.LOCAL_ONLY, detail)
    if _is_local(client) and _host(headers.get("host", "")) in _LOCAL_HOSTS:
        return None
    return Refusal(ProblemType.LOCAL_ONLY, "without a key only this machine is served: run `nightschool keys add`")


def _bearer(headers: Mapping[str, str]) -> str | None:
    kind, _, value = headers.get("authorization", "").partition(" ")
    return (value.strip() or None) if kind.lower() == "bearer" else None


def _cookie(headers: Mapping[str, str]) -> str | None:
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
    """Return whether the browser reports that a page of another site sent the request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _host(value: str) -> str:
    """Return the name in a Host header, without the port."""
    if value.startswith("["):
        return value[: value.find("]") + 1].lower()
    return value.partition(":")[0].lower()


def is_encrypted(scheme: str, headers: Mapping[str, str]) -> bool:
    """Return whether the browser uses TLS, also to a proxy before us; then cookies are marked `Secure`."""
    proxied = headers.get("x-forwarded-proto", "").partition(",")[0].strip()
    return "https" in (scheme, proxied) or "proto=https" in headers.get("forwarded", "").lower().replace('"', "")
