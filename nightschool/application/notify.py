"""Delivery of messages to the addresses in the settings; it never fails or delays a night."""

import http.client
import logging
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TimedOut
from threading import Thread
from urllib.error import URLError
from urllib.request import Request, urlopen

from nightschool.settings import Settings

SECONDS = 5.0
"""The longest that a night waits for its messages to be delivered."""

logger = logging.getLogger("nightschool.application")


def notify(title: str, body: str) -> None:
    """Send a message to every address of NIGHTSCHOOL_NOTIFY; one that is not delivered is a warning in the log."""
    addresses = Settings().notify.get_secret_value().strip()
    if addresses and not _in_time(lambda: _deliver(addresses, title, body)):
        logger.warning("a message was not delivered to every address of NIGHTSCHOOL_NOTIFY: %s", title)


def beat() -> None:
    """Send one GET to NIGHTSCHOOL_HEARTBEAT; one that is not answered with success is a warning in the log."""
    address = Settings().heartbeat.get_secret_value()
    if address and not _in_time(lambda: _get(address)):
        logger.warning("the address of NIGHTSCHOOL_HEARTBEAT did not answer")


def _deliver(addresses: str, title: str, body: str) -> bool:
    import apprise  # noqa: PLC0415  # takes long to import, and most nights send no message

    # Its own lines repeat addresses, and with them passwords.
    log = logging.getLogger("apprise")
    log.handlers, log.propagate = [logging.NullHandler()], False
    sender = apprise.Apprise()
    known = sender.add(addresses)
    return bool(sender.notify(body=body, title=title)) and known


def _get(address: str) -> bool:
    if not address.startswith(("http://", "https://")):
        return False
    request = Request(address, headers={"User-Agent": "nightschool"})  # noqa: S310  # its scheme was looked at
    try:
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return bool(answer.status < 300)
    except (URLError, OSError, http.client.HTTPException, ValueError):
        return False


def _in_time(send: Callable[[], bool]) -> bool:
    """Return whether sending succeeded within a few seconds; a thread that hangs is left behind."""
    done: Future[bool] = Future()

    def run() -> None:
        try:
            done.set_result(send())
        except Exception as error:  # noqa: BLE001  # whatever a plugin raises: not delivered, which the log says
            done.set_exception(error)

    Thread(target=run, name="notification", daemon=True).start()
    try:
        return done.exception(SECONDS) is None and done.result()
    except TimedOut:
        return False
