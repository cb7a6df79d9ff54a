"""A service in this process, and a client that asks it without a socket."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx

from nightschool.columns import ITEM_ID
from nightschool.settings import Settings
from nightschool.storage.home import Home
from serving.app import with_middleware
from serving.schemas.common import ExternalId
from serving.service import Service
from serving.snapshot import Snapshot
from tests.serving.homes import settings_of

ADDRESS = "http://127.0.0.1:8000"


class Api:
    """Requests to a service that nothing but `refresh` keeps current.

    Attributes:
        home: Where its release is; None for a service without one.
    """

    def __init__(self, settings: Settings, home: Home | None = None) -> None:
        self.service = Service(settings)
        self.app = with_middleware(self.service)
        self._home = home
        self._runner = asyncio.Runner()

    @classmethod
    @contextmanager
    def over(cls, home: Home) -> Iterator[Self]:
        """A client of a home's service."""
        with cls(settings_of(home), home).open() as api:
            yield api

    @contextmanager
    def open(self) -> Iterator[Self]:
        """The client, closed at the end."""
        try:
            yield self
        finally:
            self._runner.close()

    @property
    def home(self) -> Home:
        """The home that is served."""
        assert self._home is not None
        return self._home

    @property
    def snapshot(self) -> Snapshot:
        """The release that is served."""
        return self.service.current.snapshot

    @property
    def users(self) -> list[Any]:
        """Everybody who has a list."""
        return self.snapshot.lists.keys.to_list()

    def request(self, method: str, path: str, *, client: str = "127.0.0.1", **told: Any) -> httpx.Response:
        """The answer to a request from an address."""
        transport = httpx.ASGITransport(self.app, client=(client, 50_000))

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as asking:
                return await asking.request(method, path, **told)

        return self._runner.run(ask())

    def get(self, path: str, **told: Any) -> httpx.Response:
        """The answer to GET."""
        return self.request("GET", path, **told)

    def post(self, path: str, json: Any, **told: Any) -> httpx.Response:
        """The answer to POST."""
        return self.request("POST", path, json=json, **told)

    def list_of(self, user_id: ExternalId, **query: Any) -> dict[str, Any]:
        """A user's list as it was answered."""
        answer = self.get(f"/v1/users/{user_id}/recommendations", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def items_of(self, user_id: ExternalId, **query: Any) -> list[Any]:
        """The ids of a user's list."""
        return [item[ITEM_ID] for item in self.list_of(user_id, **query)["items"]]

    def send(self, user_id: ExternalId, event: str, *item_ids: ExternalId, **told: Any) -> httpx.Response:
        """The answer to events of a user, one an item, sent together."""
        events = [{"user_id": user_id, "item_id": item_id, "event": event, **told} for item_id in item_ids]
        answer = self.post("/v1/events", {"events": events})
        assert answer.status_code == 201, answer.text
        return answer
