"""Every router of the API."""

from typing import Final

from serving.api import catalogue, events, impressions, items, lists, operations, problems, scenarios, users

ROUTERS: Final = (
    users.lists,
    lists.router,
    users.router,
    items.router,
    catalogue.router,
    scenarios.router,
    events.router,
    impressions.router,
    operations.router,
    problems.router,
)
"""In the order in which the API's documentation lists them; an address is answered by the first that it fits."""
