"""Homes that other states of the code wrote."""

import shutil
import sqlite3
from contextlib import closing

from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.home_version import VERSION, home_version
from nightschool.storage.lock import home_lock
from tests.cli.conftest import Published, Run, require_refusal


def made_older(published: Published) -> None:
    """The home as states of the code wrote it that had no version, no table of nights and fewer columns."""
    paths = Settings().paths
    paths.version.unlink()
    shutil.rmtree(paths.lake / "nights")
    open_database(Settings().events_address).dispose()
    with closing(sqlite3.connect(paths.events_database)) as connection:
        connection.execute("ALTER TABLE experiments DROP COLUMN stopped_at")
        connection.execute("DROP TABLE exposures")
        connection.commit()


def test_an_older_home_is_upgraded_at_its_first_use_and_goes_on(writing: Published, run: Run) -> None:
    made_older(writing)
    before = run("recommend", "--user", "2", "--json")
    assert before.code == 0, before.err
    paths = Settings().paths
    assert home_version(paths) == VERSION
    assert [release["id"] for release in run("releases", "list", "--json").document] == [writing.release_id]
    assert run("ingest", "--json").document["interactions"]["accepted"] == 0
    assert run("nights", "--json").document == []
    assert run("doctor", "--json").document["ok"]
    assert run("forget", "--user", "2", "--json").document["recommenders"] == 1
    assert run("releases", "verify", writing.release_id, "--json").document["state"] == "erased"


def test_an_older_home_that_is_busy_is_read_as_it_is(writing: Published, run: Run) -> None:
    made_older(writing)
    with home_lock(Settings().paths.lock):
        assert run("recommend", "--user", "2", "--json").code == 0
    assert home_version(Settings().paths) == 1


def test_a_newer_home_is_refused_by_every_command_and_stays_as_it_is(writing: Published, run: Run) -> None:
    file = Settings().paths.version
    file.write_text(f"{VERSION + 1}\n")
    for command in (("doctor",), ("ingest",), ("releases", "list"), ("serve",), ("keys", "list"), ("forget",)):
        require_refusal(run(*command), 2, "a newer Nightschool wrote home", f"version {VERSION + 1}", "update this")
    assert file.read_text() == f"{VERSION + 1}\n"
