"""The machine's own Chromium, and a watch over what its pages load and complain of."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, CDPSession, FloatRect, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
PHONE = {"width": 320, "height": 640}
DESK = {"width": 1200, "height": 800}
SCREENSHOTS = Path(__file__).parents[3] / "docs" / "screenshots"
_TALLEST = 1_650
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-component-update",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; the test is skipped where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page, and what it did.

    Attributes:
        requests: Addresses asked for over the network.
        bytes: Bytes that came, headers and all, as they were on the wire.
        complaints: What the console or the page complained of.
    """

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    bytes: int = 0
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Opens a page, counting from nothing."""
        self.requests.clear()
        self.bytes = 0
        self.page.goto(self.address + path, wait_until="networkidle")

    def require_quiet(self) -> None:
        """Asserts that nothing was complained of and nobody else was asked."""
        assert self.complaints == []
        assert [each for each in self.requests if not each.startswith((self.address + "/", "data:"))] == []

    def require_accessible(self) -> None:
        """Asserts that axe finds nothing."""
        found = Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()

    def require_no_sideways_scroll(self) -> None:
        """Asserts that the page is no wider than the window."""
        wide, window = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window

    def shoot(self, name: str, *, whole: bool = False) -> None:
        """Takes a picture for the docs, of the window or the upper part of the page, when pictures are asked for."""
        if os.environ.get("SCREENSHOTS") == "1":
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            tall = self.page.evaluate("document.documentElement.scrollHeight") if whole else 0
            size = self.page.viewport_size
            assert size is not None
            clip: FloatRect = {
                "x": 0,
                "y": 0,
                "width": size["width"],
                "height": min(max(tall, size["height"]), _TALLEST),
            }
            self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole, clip=clip)


@contextmanager
def watching(browser: Browser, address: str, **options: object) -> Iterator[Watched]:
    """A page of a browser without any cache, watched."""
    context: BrowserContext = browser.new_context(**{"viewport": DESK, **options})  # type: ignore[arg-type]
    page = context.new_page()
    watched = Watched(page, address)
    page.on("console", lambda message: watched.complaints.append(message.text))
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    session: CDPSession = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", lambda told: _count(watched, told["request"]["url"]))
    session.on("Network.loadingFinished", lambda told: _weigh(watched, told["encodedDataLength"]))
    try:
        yield watched
    finally:
        context.close()


def _count(watched: Watched, url: str) -> None:
    if not url.startswith("data:"):
        watched.requests.append(url)


def _weigh(watched: Watched, length: float) -> None:
    watched.bytes += int(length)
