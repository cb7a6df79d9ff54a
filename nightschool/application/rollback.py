"""Rollback to an earlier release."""

from typing import Any

from nightschool.application.home import open_home
from nightschool.application.tracking import registry


def roll_back(release_id: str, reason: str, hold: bool) -> dict[str, Any]:
    """Make an earlier release current, with its MLflow alias; hold publishing first if asked.

    Raises:
        NotFound: There is no such release, or its tables were pruned.
    """
    home = open_home()
    home.releases.whole(release_id)
    if hold:
        home.releases.hold(reason)
    release = home.releases.rollback(release_id, reason)
    registry(home).reconcile(release.release_id)
    return {"release_id": release.release_id, "status": release.status, "held": home.releases.held()}
