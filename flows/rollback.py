"""Rollback to an earlier release, as a flow that operators start in the Prefect UI."""

from typing import Annotated, Any

from prefect import flow
from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from nightschool.application.rollback import choice_of_release, roll_back
from nightschool.storage.releases import ROLLBACK_HOLDS


class _Choice:
    """Writes the releases of the home into the JSON schema of the id, which Prefect's page draws."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return choice_of_release(handler(core_schema))


@flow(name="rollback")
def rollback(
    release_id: Annotated[str, _Choice()], reason: str = "rolled back by hand", hold: bool = ROLLBACK_HOLDS
) -> dict[str, Any]:
    """Make an earlier release current, and return it.

    Args:
        release_id: The release to go back to, as `nightschool releases list` shows it.
        reason: Why; kept in the releases table.
        hold: Keep nights from publishing until `nightschool releases release-hold`, so that none undoes this.
    """
    return roll_back(release_id, reason, hold)
