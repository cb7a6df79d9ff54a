"""Rollback to an earlier release, and the releases that can be chosen."""

from collections.abc import Mapping
from typing import Any

from nightschool.application.audit import note
from nightschool.application.home import home_at, open_home
from nightschool.application.tracking import registry
from nightschool.columns import RECOMMENDATIONS
from nightschool.errors import NotFound
from nightschool.settings import Settings
from nightschool.storage.lake import UNREADABLE
from nightschool.webhook import tell_of_release


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
    note("rolled_back", release.release_id, {"reason": reason, "hold": hold})
    tell_of_release(Settings())
    return {"release_id": release.release_id, "status": release.status, "held": home.releases.held()}


def choice_of_release(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a release to go back to: one of those that can be read, newest first, or another id.

    Args:
        plain: The schema of any id, which is returned where the home holds no other release than the current one.
    """
    try:
        home = home_at(Settings().paths)
        readable, current = home.lake.releases(RECOMMENDATIONS), home.releases.current()
        known = [release.release_id for release in reversed(home.releases.stored())]
    except (NotFound, *UNREADABLE):
        return dict(plain)
    known = [one for one in known if one in readable and (current is None or one != current.release_id)]
    if not known:
        return dict(plain)
    listed = {"title": "of this home", "type": "string", "enum": known}
    return {"anyOf": [listed, {"title": "another id", "type": "string"}], **_about(plain)}


def _about(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if key in ("title", "description", "position")}
