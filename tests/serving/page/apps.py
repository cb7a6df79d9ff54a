"""The page over a made-up service, with all that stands around every request."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from fastapi import FastAPI

from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Key, Role
from serving.keyring import Keyring
from serving.middleware import App, Middleware
from serving.operating import Operating
from serving.page.routes import router
from serving.policy import Policy
from serving.security import Guard
from serving.shared import Shared
from tests.serving.fakes import FakeService


def page_over(service: FakeService, home: Path | None = None, keys: dict[str, str] | None = None) -> App:
    """The page; its operator's view is of the home, and the keys open it."""
    app = FastAPI()
    app.state.service = service
    if home is not None:
        service.settings = settings = Settings(home=home)
        engine = open_database(settings.events_address)
        service.operating = Operating(engine, settings.paths, Policy(settings.paths), list)
    now = datetime.now(UTC)
    held = {key: Key(key, cast(Role, role), now) for key, role in (keys or {}).items()}
    service.keyring = SimpleNamespace(known=True, locked=bool(held), find=held.get)
    app.include_router(router)
    return Middleware(app, Guard(cast(Keyring, service.keyring), Shared()))
