"""Signing in: the key is kept in a cookie that scripts cannot read and other sites cannot send."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from nightschool.storage.keys import Key
from serving.page.answers import OWN, START, PageRoute, page, service_of
from serving.security import COOKIE, is_encrypted, is_of

_KEPT_SECONDS = 30 * 86_400

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/sign-in")
def ask_for_key(request: Request, next: str = START) -> Response:  # noqa: A002  # what the address calls it
    """Show the form that asks for a key."""
    return page(request, "sign_in.html", next=local(next), refused="")


@router.post("/sign-in")
def sign_in(
    request: Request,
    key: Annotated[str, Form(max_length=256)] = "",
    next: Annotated[str, Form(max_length=2048)] = START,  # noqa: A002
) -> Response:
    """Put the key into a cookie and redirect to the requested page; show the form again for an unknown key."""
    given = key.strip()
    found: Key | None = service_of(request).keyring.find(given) if given else None
    if found is None:
        return page(request, "sign_in.html", 401, next=local(next), refused="There is no such key.")
    answer = RedirectResponse(landing(found, local(next)), 303)
    secure = is_encrypted(request.url.scheme, request.headers)
    answer.set_cookie(COOKIE, given, _KEPT_SECONDS, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """Delete the cookie and show the form."""
    answer = RedirectResponse("/sign-in", 303)
    secure = is_encrypted(request.url.scheme, request.headers)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=secure)
    return answer


def landing(key: Key, wanted: str) -> str:
    """Return where a key lands after signing in: where it wanted to go, or the user's own page.

    Args:
        key: The key.
        wanted: An address of this server.
    """
    goes_there = key.user_id is None or is_of(key.user_id, "GET", urlsplit(wanted).path)
    return wanted if goes_there else OWN


def local(address: str) -> str:
    """Return an address of this server, path and query only; the start page for any other address."""
    parts = urlsplit(address)
    elsewhere = parts.scheme or parts.netloc or not address.startswith("/") or address.startswith(("//", "/\\"))
    return START if elsewhere or any(ord(mark) < 32 for mark in address) else address
