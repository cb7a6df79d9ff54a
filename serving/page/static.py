"""Static files of the page, compressed once, and cached by browsers until they change."""

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from fastapi import APIRouter, HTTPException, Request, Response

from serving.compression import accepts_gzip

_FOLDERS = (files("serving") / "static", files("fastapi_offline") / "static")
_FILES = {path.name: path for folder in _FOLDERS for path in folder.iterdir()}
_TYPES = {
    "docs.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "pico.min.css": "text/css; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
"""The files that pages load, with their media types; nothing else of the folders is served."""

_PARTS = {"page.js": ("htmx.min.js", "page.js")}
"""Files that are served as one: a page is to load with few requests."""

_FOR_GOOD = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


class Asset(NamedTuple):
    """A file that pages load.

    Attributes:
        packed: The body, compressed with gzip.
        digest: Changes whenever the file does.
    """

    body: bytes
    packed: bytes
    media_type: str
    digest: str


@cache
def asset(name: str) -> Asset:
    """Return a file that pages load; it is read and compressed at its first use."""
    body = b"\n".join(_FILES[part].read_bytes() for part in _PARTS.get(name, (name,)))
    return Asset(body, gzip.compress(body, mtime=0), _TYPES[name], hashlib.sha256(body).hexdigest()[:12])


def asset_path(name: str) -> str:
    """Return the address of a file, which changes whenever the file does."""
    return f"/static/{asset(name).digest}/{name}"


@router.get("/static/{digest}/{name}")
async def get_asset(request: Request, digest: str, name: str) -> Response:
    """Serve a file of the page; under an older digest, browsers must not cache it."""
    if name not in _TYPES:
        raise HTTPException(404, "no such file")
    body, packed, media_type, current = asset(name)
    headers = {
        "Cache-Control": _FOR_GOOD if digest == current else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(packed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(body, media_type=media_type, headers=headers)
