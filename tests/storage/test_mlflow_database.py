from pathlib import Path

import pytest

from nightschool.storage.mlflow_database import make_database


def test_a_new_database_is_made_below_any_path_and_the_next_is_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    database = tmp_path / "what?" / "mlflow.db"
    make_database(database)
    assert [path.name for path in tmp_path.iterdir()] == ["what?"]
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"]
    monkeypatch.setattr("nightschool.storage.mlflow_database.MlflowClient", None)
    make_database(tmp_path / "next.db")
    assert (tmp_path / "next.db").stat().st_size == database.stat().st_size
    assert len([*cache.rglob("mlflow-*.db")]) == 1
