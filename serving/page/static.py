"""Static files of the page, compressed once, and cached by browsers until they change."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, HTTPException, Request, Response

_FOLDER = Path(__file__).parents[1] / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
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
def assets() -> Mapping[str, Asset]:
    """Return every file that pages may load, by name."""
    files = [path for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES]
    return {path.name: _asset(path.read_bytes(), _TYPES[path.suffix]) for path in files}


def asset_path(name: str) -> str:
    """Return the address of a file, which changes whenever the file does."""
    return f"/static/{assets()[name].digest}/{name}"


def accepts_gzip(request: Request) -> bool:
    """Return whether the browser accepts gzip."""
    codings = request.headers.get("accept-encoding", "").lower().split(",")
    weights = {
        name.strip(): parameter.replace(" ", "") for name, _, parameter in (each.partition(";") for each in codings)
    }
    weight = weights.get("gzip", weights.get("*", "q=0"))
    return not weight.startswith("q=") or weight[2:].rstrip("0.") != ""


@router.get("/static/{digest}/{name}")
async def get_asset(request: Request, digest: str, name: str) -> Response:
    """Serve a file of the page; under an older digest, browsers must not cache it."""
    asset = assets().get(name)
    if asset is None:
        raise HTTPException(404, "no such file")
    headers = {
        "Cache-Control": _FOR_GOOD if digest == asset.digest else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if accepts_gzip(request):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)


def _asset(body: bytes, media_type: str) -> Asset:
    return Asset(body, gzip.compress(body, mtime=0), media_type, hashlib.sha256(body).hexdigest()[:12])
