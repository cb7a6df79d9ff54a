"""Prefect automations: a notification when no night has ended for too long."""

import asyncio
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from nightschool.cli import show
from nightschool.cli.night import Json
from nightschool.errors import ConfigurationError, NotFound, Unavailable

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

NAME: Final = "nightschool: no night"
BLOCK: Final = "nightschool-notify"
DEPLOYMENT: Final = "retrain/nightly"
WITHIN: Final = timedelta(hours=26)
_PATIENCE: Final = 60.0  # seconds that a busy server is waited for


def automations(as_json: Json = False) -> None:
    """Create or update a Prefect automation that notifies NIGHTSCHOOL_NOTIFY when no night has ended for 26 hours."""
    from nightschool.cli.up import answers
    from nightschool.settings import Settings

    addresses = Settings().notify.get_secret_value().strip()
    if not addresses:
        raise ConfigurationError("NIGHTSCHOOL_NOTIFY is not set", do="set it to the address that notifications go to")
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not url:
        raise ConfigurationError(
            "PREFECT_API_URL is not set",
            do="set it to the address of the Prefect server's API, as http://127.0.0.1:4200/api",
        )
    if not answers(f"{url}/health", _PATIENCE):
        raise Unavailable("the Prefect server does not answer", seen=url, do="start it, or correct PREFECT_API_URL")
    made = watch_for_nights(addresses)
    if as_json:
        show.show_json({"automation": NAME, "id": made})
        return
    show.console.print(f"The Prefect server sends a notification when no night of {DEPLOYMENT} has ended for 26 hours.")


def watch_for_nights(addresses: str, within: timedelta = WITHIN) -> str:
    """Create or update the automation that notifies when no night ends within that time, and return its id.

    Args:
        addresses: As Apprise writes them.
        within: The time, at least 10 seconds.

    Raises:
        NotFound: The night is not deployed.
    """
    return asyncio.run(_watch(addresses, within))


async def _watch(addresses: str, within: timedelta) -> str:
    from prefect.blocks.notifications import SlackWebhook
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from pydantic import SecretStr

    # Whatever is no address of Slack's, this kind of block hands to Apprise as it is.
    block = await SlackWebhook(url=SecretStr(addresses)).asave(BLOCK, overwrite=True)
    async with get_client() as client:
        try:
            deployment = await client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound as error:
            do = "run `prefect deploy --all` first"
            raise NotFound("the Prefect server knows no such deployment", seen=DEPLOYMENT, do=do) from error
        wanted = _automation(deployment.id, block, within)
        found = await client.read_automations_by_name(NAME)
        if not found:
            return str(await client.create_automation(wanted))
        await client.update_automation(found[0].id, wanted)
        return str(found[0].id)


def _automation(deployment: UUID, block: UUID, within: timedelta) -> "AutomationCore":
    from prefect.events.actions import SendNotification
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    from nightschool.night.outcome import END_STATES

    trigger = EventTrigger(
        posture=Posture.Proactive,
        expect={f"prefect.flow-run.{name}" for name in END_STATES},
        match_related={
            "prefect.resource.id": f"prefect.deployment.{deployment}",
            "prefect.resource.role": "deployment",
        },
        threshold=1,
        within=within,
    )
    body = "No night has ended within the time in which one should have. See that the server and a worker run."
    action = SendNotification(block_document_id=block, subject="Nightschool: no night", body=body)
    return AutomationCore(name=NAME, description=body, trigger=trigger, actions=[action])
