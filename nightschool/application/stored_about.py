"""Exporting what a home stores about a user, by the id that its sources write."""

from typing import Any

from nightschool.application.forget import parse_user
from nightschool.application.home import manifest_of
from nightschool.privacy.stored_about import stored_about
from nightschool.settings import Settings
from nightschool.storage.home import Home


def export_user(home: Home, user: str) -> dict[str, Any]:
    """Return everything that the home stores about a user.

    Raises:
        NotFound: Nothing names such a user.
    """
    return stored_about(home, manifest_of(home), parse_user(home, user), Settings().events_address)
