import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

import models
from models.catalog import build
from models.published import Published, write_audiences
from nightschool.columns import CI_HIGH, CI_LOW, METRIC, USER_ID, VALUE, K
from nightschool.contract import Dataset
from nightschool.night.release.audiences import measure_audiences
from nightschool.recipe import Component, Recipe
from nightschool.storage.night_log import Measured, NightLog, ReleaseModel
from nightschool.storage.registry import Registry

RELEASE = "2024-05-01-aaaaaaaa"

ELSEWHERE = """
import sys, warnings
warnings.filterwarnings("ignore", message=".*Any type hint is inferred")
import mlflow, pandas
model = mlflow.pyfunc.load_model("models:/nightschool@champion")
lists = model.predict(pandas.DataFrame({"user_id": sys.argv[1:]}), params={"k": 3})
print(lists.to_json(orient="records"))
"""


def test_a_fresh_process_elsewhere_loads_the_champion_by_its_alias(planted: Dataset, tmp_path: Path) -> None:
    model = build(Recipe(components=(Component(model="popularity"),))).fit(planted, seed=1)
    audiences = measure_audiences(planted)
    artifacts = {"model": tmp_path / "model", "audiences": tmp_path / "audiences.npz"}
    model.save(artifacts["model"])
    write_audiences(artifacts["audiences"], audiences.scores, audiences.of_user)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    registry = Registry(store, tmp_path / "mlartifacts")
    metrics = pl.DataFrame(schema=[METRIC, K, VALUE, CI_LOW, CI_HIGH])
    night = NightLog("key", RELEASE, datetime(2024, 5, 1, tzinfo=UTC), Measured("popularity", {}, metrics))
    code = Path(models.__file__).parent / "mlflow_model.py"
    registry.register(registry.nights.log(night), ReleaseModel(RELEASE, code, artifacts, pl.String(), pl.String()))
    registry.set_champion(RELEASE)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    users = ["user 7", "stranger", "user 40"]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *users],
        cwd=elsewhere,
        env={**os.environ, "MLFLOW_TRACKING_URI": store, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = Published.load(**artifacts).recommend(pl.Series(USER_ID, users), 3)
    assert json.loads(done.stdout) == json.loads(expected.to_pandas().to_json(orient="records"))
    assert expected[USER_ID].unique().sort().to_list() == ["stranger", "user 7"]
