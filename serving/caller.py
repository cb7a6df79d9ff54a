"""Who asks, as far as it is known."""

from typing import Final, NamedTuple

from nightschool.storage.keys import ROLES, Role


class Caller(NamedTuple):
    """Who asks, as far as it is known.

    Attributes:
        name: Of the key; empty without one.
        role: What they may do; None on pages that are open to everybody.
        user_id: The one user whom they may ask about and act for; None: everybody.
    """

    name: str = ""
    role: Role | None = None
    user_id: str | None = None

    def may(self, role: Role) -> bool:
        """Return whether the caller's role includes another role."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(role)


THIS_MACHINE: Final = Caller(role="operate")
"""Whoever asks a server that has no keys."""

ANYBODY: Final = Caller()
"""Somebody on a page that is open to everybody."""
