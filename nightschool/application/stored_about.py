"""Handing out what a home stores about a person."""

from typing import Any

from nightschool.application.forget import parse_user
from nightschool.application.home import manifest_of
from nightschool.privacy.stored_about import stored_about
from nightschool.settings import Settings
from nightschool.storage.home import Home


def export_user(home: Home, user: str) -> dict[str, Any]:
    """Return everything that the home stores about the person.

    Raises:
        NotFound: Nothing names such a person.
    """
    return stored_about(home, manifest_of(home), parse_user(home, user), Settings().events_address)
