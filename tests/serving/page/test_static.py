import gzip
import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from serving.page.static import asset, asset_path, router
from tests.serving.server import client_of

FOLDER = Path(__file__).parents[3] / "serving" / "static"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    app = FastAPI()
    app.include_router(router)
    with client_of(app) as client:
        yield client


def test_vendored_files_are_those_that_are_written_down() -> None:
    told = dict(
        re.findall(r"^\| (\S+) \|.*?\| `([0-9a-f]{64})` \|", (FOLDER / "VENDORED.md").read_text(), re.MULTILINE)
    )
    assert set(told) == {path.name for path in FOLDER.iterdir()} - {"VENDORED.md", "docs.js", "page.js", "style.css"}
    for name, digest in told.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_scripts_of_pages_go_out_as_one_file(client: httpx.Client) -> None:
    parts = [(FOLDER / name).read_bytes() for name in ("htmx.min.js", "page.js")]
    assert client.get(asset_path("page.js")).content == b"\n".join(parts)


@pytest.mark.parametrize("name", ["docs.js", "pico.min.css", "style.css"])
def test_a_file_goes_out_compressed_and_is_kept_for_good(client: httpx.Client, name: str) -> None:
    answer = client.get(asset_path(name))
    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))
    plain = client.get(asset_path(name), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == gzip.decompress(asset(name).packed)


def test_the_files_of_swagger_ui_are_those_of_their_package(client: httpx.Client) -> None:
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        answer = client.get(asset_path(name))
        assert answer.content == (files("fastapi_offline") / "static" / name).read_bytes()
        assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert answer.num_bytes_downloaded < len(answer.content) / 3


def test_an_older_address_is_answered_and_not_kept(client: httpx.Client) -> None:
    assert client.get("/static/0123/style.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["VENDORED.md", "nothing.css", "redoc.standalone.js", "..%2Fschemas.py"])
def test_nothing_else_of_the_folder_goes_out(client: httpx.Client, name: str) -> None:
    assert client.get(f"/static/0/{name}").status_code == 404


def test_stylesheets_name_no_other_host() -> None:
    for name in ("pico.min.css", "style.css", "swagger-ui.css"):
        addresses = re.findall(r"url\(\s*[\"']?([^)]{0,40})", asset(name).body.decode())
        assert not [address for address in addresses if not address.startswith("data:")]
