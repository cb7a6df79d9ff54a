"""The caller of a request: its key, role and user."""

from typing import Final, NamedTuple

from nightschool.storage.keys import ROLES, Role


class Caller(NamedTuple):
    """The caller of a request.

    Attributes:
        name: The name of the key; empty without one.
        role: The role of the key; None on pages that are open to everybody.
        user_id: The one user that the key is for; None for a key that is for all.
    """

    name: str = ""
    role: Role | None = None
    user_id: str | None = None

    def may(self, role: Role) -> bool:
        """Return whether the caller's role includes another role."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(role)


THIS_MACHINE: Final = Caller(role="operate")
"""The caller of a server without keys, which serves this machine alone."""

ANYBODY: Final = Caller()
"""The caller of a page that is open to everybody."""
