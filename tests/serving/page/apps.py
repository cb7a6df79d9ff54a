"""The page over a made-up service, with all that stands around every request."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
from fastapi import FastAPI

from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Key, Keys, Role
from serving.keyring import Keyring
from serving.middleware import App, Middleware
from serving.operating import Operating
from serving.page.routes import router
from serving.policy import Policy
from serving.security import COOKIE, Guard
from serving.shared import Shared
from tests.serving.client import Api
from tests.serving.fakes import FakeService


def page_over(
    service: FakeService, home: Path | None = None, keys: dict[str, str] | None = None, user_id: str | None = None
) -> App:
    """The page; its operator's view is of the home, and the keys open it, for one user where one is named."""
    app = FastAPI()
    app.state.service = service
    if home is not None:
        service.settings = settings = Settings(home=home)
        engine = open_database(settings.events_address)
        service.operating = Operating(engine, settings.paths, Policy(settings.paths), list)
    now = datetime.now(UTC)
    held = {key: Key(key, cast(Role, role), now, user_id) for key, role in (keys or {}).items()}
    service.keyring = SimpleNamespace(known=True, locked=bool(held), find=held.get)
    app.include_router(router)
    return Middleware(app, Guard(cast(Keyring, service.keyring), Shared()))


class Pages:
    """The pages of a home as people with different keys see them: `own` of one user, `reader` and `operator` of all."""

    def __init__(self, api: Api, user_id: str) -> None:
        self.api = api
        keys = Keys(open_database(api.service.settings.events_address))
        self.keys = {
            "own": keys.add("own", "events", user_id=user_id, per_second=10_000),
            "reader": keys.add("reader", "read"),
            "operator": keys.add("operator", "operate"),
        }
        api.service.refresh()

    def get(self, who: str, path: str, part: str | None = None) -> httpx.Response:
        """A page, or the part of it that htmx asks for."""
        htmx = {} if part is None else {"hx-request": "true", "hx-target": part}
        return self.api.get(path, headers={**self._headers(who), **htmx})

    def post(self, who: str, path: str, **form: str) -> httpx.Response:
        """The answer to a form."""
        return self.api.request("POST", path, data=form, headers=self._headers(who))

    def _headers(self, who: str) -> dict[str, str]:
        return {"cookie": f"{COOKIE}={self.keys[who]}", "accept": "text/html"}
