"""Erasing users whom the database of the service alone names."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightschool.application.bind_home import bind_home
from nightschool.application.forget import forget, look_for
from nightschool.application.sources import ingest_sources
from nightschool.application.stored_about import export_user
from nightschool.errors import NotFound
from nightschool.experiments.store import Experiments, Exposure
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from nightschool.storage.keys import Keys
from tests.landing import make_landing


@pytest.fixture
def opened(home: Path, tmp_path: Path) -> Home:
    folder, manifest = make_landing(tmp_path)
    (folder / "a.csv").write_text("user,item,at\n1,2,2025-02-01\n")
    bound = bind_home(str(manifest), tmp_path)
    ingest_sources(bound, datetime(2025, 3, 1, tzinfo=UTC))
    return bound


def test_who_was_only_ever_exposed_or_given_a_key_can_be_forgotten(opened: Home) -> None:
    database = open_database(Settings().events_address)
    Experiments(database).log_exposures([Exposure("try", "55", "a", "r", datetime.now(UTC), ())])
    keys = Keys(database)
    for name, user in (("theirs", "55"), ("also theirs", "55"), ("another's", "56")):
        keys.add(name, "events", user)
    assert look_for(opened, "55") == {"exposures": 1, "keys": 2}
    told = export_user(opened, "55")
    assert [(key["name"], "sha256" in key) for key in told["keys"]] == [("theirs", False), ("also theirs", False)]
    forget(opened, "55")
    assert [key.name for key in keys.list()] == ["another's"]
    with pytest.raises(NotFound):
        export_user(opened, "55")
