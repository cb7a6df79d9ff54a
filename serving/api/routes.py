"""Every router of the API."""

from typing import Final

from serving.api import events, items, lists, operations, scenarios, users

ROUTERS: Final = (
    users.lists,
    lists.router,
    users.router,
    items.router,
    scenarios.router,
    events.router,
    operations.router,
)
"""In the order in which the API's documentation lists them."""
