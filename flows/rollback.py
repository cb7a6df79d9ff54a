"""Rollback to an earlier release, as a flow that operators start in the Prefect UI."""

from typing import Any

from prefect import flow

from nightschool.application.rollback import roll_back
from nightschool.storage.releases import ROLLBACK_HOLDS


@flow(name="rollback")
def rollback(release_id: str, reason: str = "rolled back by hand", hold: bool = ROLLBACK_HOLDS) -> dict[str, Any]:
    """Make an earlier release current, and return it.

    Args:
        release_id: The release to go back to, as `nightschool releases list` shows it.
        reason: Why; kept in the releases table.
        hold: Keep nights from publishing until `nightschool releases release-hold`, so that none undoes this.
    """
    return roll_back(release_id, reason, hold)
