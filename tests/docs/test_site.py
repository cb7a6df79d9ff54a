"""The built documentation: links resolve, nothing is loaded from another host, the picture is the night's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import sync_playwright

from docs.generate import night_picture

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
LOADED = re.compile(
    r"<(?:script|img|iframe|source|audio|video|embed|object)\b[^>]*\b(?:src|data)=[\"']?([^\"'\s>]+)"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|icon|preload|modulepreload|preconnect|dns-prefetch))[^>]*\bhref=[\"']?([^\"'\s>]+)"
    r"|url\([\"']?([^\"')]+)|@import [\"']([^\"']+)"
)
"""Addresses that a browser loads by itself, in pages and style sheets."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a link or anchor that leads nowhere ends the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert [str(page) for page in sorted(pages) if not (site / page).is_file()] == []
    assert (site / "models" / "ease.html").is_file()
    assert (site / "benchmarks" / "scale_memory.svg").is_file()


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    files = [path for kind in ("*.html", "*.css") for path in site.rglob(kind)]
    addresses = {(path.name, each) for path in files for found in LOADED.findall(path.read_text()) for each in found}
    assert len(addresses) > 50
    assert sorted(entry for entry in addresses if re.match(r"(?:[a-z]+:)?//", entry[1])) == []


def test_no_page_makes_the_theme_load_diagrams(site: Path) -> None:
    """The theme's script loads Mermaid from another host as soon as a page holds a diagram."""
    assert [path.name for path in site.rglob("*.html") if 'class="mermaid"' in path.read_text()] == []


def test_the_search_index_is_a_script(site: Path) -> None:
    """A page that is opened from the disk may not fetch."""
    assert (site / "search" / "search_index.js").is_file()


def test_loaded_addresses_are_recognised() -> None:
    text = '<script src="https://x/a.js"></script><link href="//y/b.css" rel="stylesheet"><a href="https://z">z</a>'
    assert [each for found in LOADED.findall(text) for each in found if each] == ["https://x/a.js", "//y/b.css"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "GLOSSARY.md", "SECURITY.md", "benchmarks/README.md"])
def test_links_of_the_repository_resolve(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    local = [unquote(link) for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_picture_is_of_the_night_as_it_is() -> None:
    assert night_picture.FILE.read_text(encoding="utf-8") == night_picture.draw(), (
        "python -m docs.generate.night_picture"
    )


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_browser_reads_and_searches_from_the_disk(site: Path) -> None:
    """Search works without a server, and nothing is asked of any host."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{(site / 'index.html').as_uri()}?q=rollback")
        page.locator(".md-search-result__item").first.wait_for()
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:", "about:"))] == []
