from pathlib import Path

from nightschool.storage.mlflow_database import make_database


def test_a_new_database_is_made_below_any_path(tmp_path: Path) -> None:
    database = tmp_path / "what?" / "mlflow.db"
    make_database(database)
    assert [path.name for path in tmp_path.iterdir()] == ["what?"]
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"]
