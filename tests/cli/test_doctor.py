"""Each question of `nightschool doctor`, with an answer that is well and one that is not."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import psutil
import pytest

from nightschool.cli import doctor
from nightschool.columns import RELEASES
from nightschool.settings import HomePaths, Settings
from nightschool.storage.binding import Binding, bind
from nightschool.storage.lake import Lake
from nightschool.storage.lock import home_lock
from nightschool.storage.releases import Draft, Releases

RELEASE = "2025-07-01-0badcafe"


@pytest.fixture
def paths(home: Path) -> HomePaths:
    """A home that is bound to a dataset and holds nothing else."""
    home.mkdir()
    source = home.parent / "source"
    source.mkdir()
    paths = Settings().paths
    binding = Binding(dataset="learning", manifest="learning", source_root=source, user_id="Int64", item_id="Int64")
    bind(paths.binding, binding)
    return paths


def answer(name: str) -> doctor.Check:
    return doctor.ask(name, doctor.questions(Settings())[name])


def publish(paths: HomePaths, row_counts: dict[str, int]) -> None:
    releases = Releases(Lake(paths.lake, pl.Int64(), pl.Int64()))
    draft = Draft(release_id=RELEASE, as_of=datetime(2025, 7, 1, tzinfo=UTC), row_counts=row_counts)
    releases.publish(draft, releases.version())


def test_all_is_well_in_a_home_that_does_not_exist_yet(home: Path) -> None:
    assert [answer(name) for name in doctor.questions(Settings()) if not answer(name).ok] == []
    assert not home.exists()


def test_a_library_out_of_its_range_is_named_with_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    required = ["numpy<1", "nosuchlibrary>=2", "polars"]
    monkeypatch.setattr(doctor, "distribution", lambda _: fake_distribution(requires=required))
    library = answer("libraries")
    assert not library.ok
    assert "(<1), no nosuchlibrary" in library.seen
    assert "polars" not in library.seen


def test_an_extra_may_be_left_out_but_not_be_out_of_its_range(monkeypatch: pytest.MonkeyPatch) -> None:
    required = ["polars", 'nosuchlibrary>=2; extra == "text"']
    monkeypatch.setattr(doctor, "distribution", lambda _: fake_distribution(requires=required))
    assert answer("libraries").seen.startswith("1 as ")
    required.append('numpy<1; extra == "text"')
    assert "(<1)" in answer("libraries").seen


def test_another_python_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "distribution", lambda _: fake_distribution(python=">=4"))
    assert not answer("python").ok


def test_a_package_from_elsewhere_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "distribution", lambda _: fake_distribution(packages="nightschool\nnumpy\n"))
    sources = answer("sources")
    assert not sources.ok
    assert sources.seen.startswith("package numpy is not imported from")


def fake_distribution(
    requires: list[str] | None = None, python: str = ">=3", packages: str = "nightschool"
) -> SimpleNamespace:
    return SimpleNamespace(
        requires=requires, metadata={"Requires-Python": python}, read_text={"top_level.txt": packages}.get
    )


def test_too_little_memory_and_disk_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**29))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**28))
    assert answer("memory") == ("memory", False, "less than 1 GB of memory is free; saw '0.50 GB'; end other programs")
    assert not answer("disk").ok


def test_a_file_in_the_place_of_the_home_is_not_well(home: Path) -> None:
    home.touch()
    assert answer("home") == (
        "home",
        False,
        f"the home cannot be written; saw '{home}'; make it writable, or choose another with --home",
    )


def test_a_held_lock_is_well_and_says_who_holds_it(paths: HomePaths) -> None:
    with home_lock(paths.lock):
        lock = answer("lock")
    assert lock.ok
    assert f"process {psutil.Process().pid}" in lock.seen
    assert answer("lock").seen == "free"


def test_a_source_folder_that_is_gone_is_not_well(paths: HomePaths) -> None:
    assert answer("dataset").ok
    (paths.root.parent / "source").rmdir()
    assert not answer("dataset").ok


def test_an_erasure_that_was_cut_short_is_not_well(paths: HomePaths) -> None:
    assert answer("erasure") == ("erasure", True, "none under way")
    paths.erasure.write_text("{}")
    assert not answer("erasure").ok
    assert "run `nightschool forget` again, or a night" in answer("erasure").seen


def test_a_release_with_all_its_rows_is_well(paths: HomePaths) -> None:
    publish(paths, row_counts={})
    assert answer("release") == ("release", True, f"{RELEASE} is current and whole")


def test_a_release_that_lacks_rows_is_not_well(paths: HomePaths) -> None:
    publish(paths, row_counts={"recommendations": 3})
    release = answer("release")
    assert not release.ok
    assert "table recommendations" in release.seen
    assert "0 rows of 3" in release.seen


def test_a_pointer_that_cannot_be_read_is_not_well(paths: HomePaths) -> None:
    publish(paths, row_counts={})
    for file in (paths.lake / RELEASES.name).rglob("*.parquet"):
        file.unlink()
    assert not answer("release").ok


def test_the_alias_of_a_release_that_was_never_registered_is_not_well(paths: HomePaths) -> None:
    publish(paths, row_counts={})
    mlflow = answer("mlflow")
    assert not mlflow.ok
    assert mlflow.seen.startswith(f"no registered model belongs to release {RELEASE}")


def test_a_database_of_mlflow_that_is_none_is_not_well(paths: HomePaths) -> None:
    paths.mlflow_database.write_text("this is no database, it only has its name" * 100)
    assert "cannot be read" in answer("mlflow").seen


def test_a_database_of_another_program_is_not_well(paths: HomePaths) -> None:
    with closing(sqlite3.connect(paths.mlflow_database)) as connection:
        connection.execute("CREATE TABLE other (value)")
    assert not answer("mlflow").ok


def test_servers_that_do_not_answer_are_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("NIGHTSCHOOL_MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert "run `make up`, or unset PREFECT_API_URL" in answer("prefect").seen
    assert not answer("mlflow").ok
