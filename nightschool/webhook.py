"""The webhook: an address that is told, at least once, of each change of the current release.

Requests are signed as the Standard Webhooks specification says, version 1.0.0: https://www.standardwebhooks.com.
"""

import base64
import hmac
import json
import logging
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

import httpx

from nightschool.errors import Busy, NightschoolError, Unreachable
from nightschool.settings import Settings
from nightschool.storage.binding import get_binding
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.lake import UNREADABLE, Lake
from nightschool.storage.lock import home_lock
from nightschool.storage.releases import Release, Releases

TYPE: Final = "release.changed"
SECONDS: Final = 5.0
"""How long an answer is waited for."""
_LONGEST_PAUSE: Final = 600.0

logger = logging.getLogger("nightschool.webhook")
# It logs whole addresses, and with them passwords.
logging.getLogger("httpx").setLevel(logging.WARNING)


class ReleaseWebhook:
    """Tells the address of NIGHTSCHOOL_WEBHOOK which release is current, whenever that has changed since it was told.

    Whoever changes the release and every server ask it to; the home remembers what was told, so that it is told once.
    After a failure it waits, longer each time, before it tries again.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pause = 0.0
        self._not_before = 0.0
        self._trouble: Unreachable | None = None

    def tell(self, dataset: str, current: Release) -> None:
        """Tell of the current release, unless that or a later one was told.

        Args:
            dataset: The home's dataset.
            current: The release that is current, or was a moment ago.

        Raises:
            Unreachable: The address did not take it, now or a moment ago; a call after a pause tries again.
        """
        address = self._settings.webhook.get_secret_value()
        if not address or self._told()["commit_version"] >= current.commit_version:
            return
        if self._trouble is not None and monotonic() < self._not_before:
            raise self._trouble
        with suppress(Busy), home_lock(self._settings.paths.webhook_lock):  # where it is held, another process tells it
            self._tell(address, dataset, current)

    def _tell(self, address: str, dataset: str, current: Release) -> None:
        told = self._told()
        if told["commit_version"] >= current.commit_version:
            return
        data = {
            "dataset": dataset,
            "release_id": current.release_id,
            "as_of": current.as_of.isoformat(),
            "reason": current.reason,
            "previous_release_id": told["release_id"],
        }
        try:
            self._post(address, f"{current.release_id}.{current.commit_version}", data)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            self._pause = min(max(1.0, 2 * self._pause), _LONGEST_PAUSE)
            self._not_before = monotonic() + self._pause
            # The address may hold a password, and so may the library's message.
            seen = (
                f"status {error.response.status_code}"
                if isinstance(error, httpx.HTTPStatusError)
                else type(error).__name__
            )
            self._trouble = Unreachable("the address of NIGHTSCHOOL_WEBHOOK did not take a message", seen=seen)
            raise self._trouble from None
        self._pause, self._trouble = 0.0, None
        state = {"commit_version": current.commit_version, "release_id": current.release_id}
        atomic_write_text(self._settings.paths.webhook, json.dumps(state))

    def _told(self) -> dict[str, Any]:
        """Read what was told last; nothing before the first time."""
        file = self._settings.paths.webhook
        nothing = {"commit_version": -1, "release_id": None}
        try:
            return {**nothing, **json.loads(file.read_text(encoding="utf-8"))} if file.exists() else nothing
        except ValueError:
            return nothing  # a damaged note: it is told again

    def _post(self, address: str, message_id: str, data: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        body = json.dumps({"type": TYPE, "timestamp": now.isoformat(), "data": data})
        headers = {
            "content-type": "application/json",
            "user-agent": "nightschool",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
        }
        secret = self._settings.webhook_secret.get_secret_value()
        if secret:
            headers["webhook-signature"] = sign(secret, message_id, headers["webhook-timestamp"], body)
        httpx.post(address, content=body, headers=headers, timeout=SECONDS).raise_for_status()


def tell_of_release(settings: Settings) -> None:
    """Tell of the current release; what cannot be told now is a warning in the log, and servers try again."""
    if not settings.webhook.get_secret_value():
        return
    try:
        binding = get_binding(settings.paths.binding)
        current = Releases(Lake(settings.paths.lake, binding.user_dtype, binding.item_dtype)).current()
        if current is not None:
            ReleaseWebhook(settings).tell(binding.dataset, current)
    except (NightschoolError, *UNREADABLE) as error:
        logger.warning("%s", error)


def sign(secret: str, message_id: str, timestamp: str, body: str) -> str:
    """Sign a message.

    Args:
        secret: As the specification writes it: `whsec_` and base64.
        message_id: Unique to the message, and the same when it is sent again.
        timestamp: Seconds since 1970.
        body: The body.

    Raises:
        ValueError: The secret is no base64.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signature = hmac.digest(key, f"{message_id}.{timestamp}.{body}".encode(), "sha256")
    return f"v1,{base64.b64encode(signature).decode()}"
