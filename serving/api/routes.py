"""Every router of the API."""

from typing import Final

from serving.api import (
    catalogue,
    changes,
    events,
    impressions,
    interventions,
    items,
    lists,
    operations,
    problems,
    scenarios,
    users,
)

ROUTERS: Final = (
    users.lists,
    lists.sessions_router,
    lists.router,
    users.router,
    items.router,
    catalogue.router,
    changes.items,
    changes.users,
    scenarios.router,
    interventions.router,
    events.router,
    impressions.router,
    operations.router,
    problems.router,
)
"""In the order in which the API's documentation lists them; an address is answered by the first that it fits."""
