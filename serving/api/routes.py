"""Every router of the API."""

from typing import Final

from serving.api import events, items, operations, users

ROUTERS: Final = (users.lists, users.router, items.router, events.router, operations.router)
"""In the order in which the API's documentation lists them."""
