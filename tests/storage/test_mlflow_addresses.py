import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from nightschool.sqlite import sqlite_address
from nightschool.storage.mlflow_addresses import NAME, artifact_page, location, relocate


def home_with_a_run(root: Path, empty_store: Path) -> str:
    """The id of a run that has one file, in a new home."""
    root.mkdir()
    shutil.copy(empty_store, root / "mlflow.db")
    client = MlflowClient(sqlite_address(root / "mlflow.db"))
    run = client.create_run(client.create_experiment(NAME, artifact_location=location(root / "mlartifacts")))
    client.log_text(run.info.run_id, root.name, "told.txt")
    return str(run.info.run_id)


def addresses(home: Path) -> set[str]:
    """Every address of files that the database holds."""
    with closing(sqlite3.connect(home / "mlflow.db")) as connection:
        found = [*connection.execute("SELECT artifact_location FROM experiments")]
        found += connection.execute("SELECT artifact_uri FROM runs")
    return {address for (address,) in found}


@pytest.mark.parametrize("name", ["copy", "学习 ü 100%", "a#b{c}", "what?", "home2"])
def test_a_copy_has_its_own_files_and_leaves_the_original_alone(tmp_path: Path, empty_store: Path, name: str) -> None:
    home, copy = tmp_path / "home", tmp_path / name
    run_id = home_with_a_run(home, empty_store)
    before = addresses(home)
    shutil.copytree(home, copy)
    assert relocate(copy / "mlflow.db", copy / "mlartifacts")
    assert not relocate(copy / "mlflow.db", copy / "mlartifacts")
    assert all(address.startswith((copy / "mlartifacts").as_uri()) for address in addresses(copy))
    assert addresses(home) == before

    client = MlflowClient(sqlite_address(copy / "mlflow.db"))
    (tmp_path / "told.txt").write_text("changed")
    # The client itself remembers where a run's files are, for as long as its process lives.
    get_artifact_repository(client.get_run(run_id).info.artifact_uri).log_artifact(str(tmp_path / "told.txt"))
    told = Path("mlartifacts") / run_id / "artifacts" / "told.txt"
    assert ((home / told).read_text(), (copy / told).read_text()) == ("home", "changed")


def test_a_home_is_the_same_through_a_link(tmp_path: Path, empty_store: Path) -> None:
    home, link = tmp_path / "home", tmp_path / "link"
    home_with_a_run(home, empty_store)
    link.symlink_to(home)
    assert not relocate(home / "mlflow.db", home / "mlartifacts")
    assert not relocate(link / "mlflow.db", link / "mlartifacts")


def test_a_database_elsewhere_belongs_to_no_home(tmp_path: Path, empty_store: Path) -> None:
    home = tmp_path / "home"
    home_with_a_run(home, empty_store)
    before = addresses(home)
    assert not relocate(home / "mlflow.db", tmp_path / "other" / "mlartifacts")
    assert not relocate(tmp_path / "none.db", tmp_path / "mlartifacts")
    assert addresses(home) == before


def test_a_file_of_a_run_has_a_page() -> None:
    assert artifact_page("1", "abc", "report.html") == "/#/experiments/1/runs/abc/artifacts/report.html"
