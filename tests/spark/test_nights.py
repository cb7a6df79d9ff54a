"""Whole nights whose work is divided, beside the same nights on one machine; this process plays the executors."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.retrain import retrain
from nightschool.application.home import open_home
from nightschool.columns import AUDIENCE_RECOMMENDATIONS, ITEM_ID, RANK, RECOMMENDATIONS, SIMILAR_USERS, USER_ID
from nightschool.errors import ConfigurationError
from nightschool.night.config import NightConfig
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage import registry
from nightschool.storage.home import Home
from nightschool.storage.release import Release

pytestmark = pytest.mark.usefixtures("prefect_api")

CONFIG = NightConfig(
    k=30, models=("itemknn", "transitions", "popularity", "content"), minutes=0.0, min_users=50, window_days=56
)
ON_SAMPLES = {"metrics", SIMILAR_USERS.name}
"""Tables that are made of a part of the users at a time."""


@pytest.fixture(autouse=True)
def _in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.application.opening.spark_session", lambda _master: None)
    monkeypatch.setattr("nightschool.application.opening.code_version", lambda: "code")
    monkeypatch.setattr("nightschool.spark.divide.ROWS_A_PART", 2000)
    monkeypatch.setattr("nightschool.spark.lists.USERS_A_FILE", 60)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    simulate(SimulatorConfig(users=400, items=80, interactions=8_000, seed=3), folder)
    return folder


def run(home: Path, source: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> tuple[Home, Release]:
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(home))
    retrain("learning", source, config=CONFIG.model_copy(update=changes))
    opened = open_home()
    release = opened.releases.current()
    assert release is not None
    return opened, release


def hashes(release: Release) -> dict[str, str]:
    return {name: found for name, found in release.content_hashes.items() if name not in ON_SAMPLES}


def test_nights_publish_what_one_machine_publishes(source: Path, tmp_path: Path, monkeypatch) -> None:
    here, one = run(tmp_path / "one", source, monkeypatch)
    there, many = run(tmp_path / "many", source, monkeypatch, engine="spark")
    assert hashes(many) == hashes(one)
    assert many.recipe == one.recipe
    on_test = [release.gates["on_test"] for release in (one, many)]
    assert on_test[0] == on_test[1]
    # The next night is tied to the lists before, without new events or with some.
    events = source / "engagements.csv"
    lines = events.read_bytes()
    try:
        events.write_bytes(lines + b"".join(lines.splitlines(keepends=True)[1:400]))
        _, one = run(tmp_path / "one", source, monkeypatch, k=20)
        _, many = run(tmp_path / "many", source, monkeypatch, k=20, engine="spark")
    finally:
        events.write_bytes(lines)
    assert many.recipe == one.recipe
    assert here.releases.current() != there.releases.current()
    lists = [home.lake.scan(RECOMMENDATIONS, each.release_id).collect() for home, each in ((here, one), (there, many))]
    same = lists[0].select(USER_ID, ITEM_ID, RANK).join(lists[1], on=[USER_ID, ITEM_ID, RANK], how="semi").height
    assert same >= 0.9 * lists[0].height  # what ties lists is chosen on some users


def test_the_registered_model_gives_everyones_list(source: Path, tmp_path: Path, monkeypatch) -> None:
    home, release = run(tmp_path / "home", source, monkeypatch, engine="spark")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}")
    model = registry.mlflow.pyfunc.load_model("models:/nightschool@champion")
    found = model.predict(pd.DataFrame({USER_ID: [1]}), params={"k": 5})
    everyone = home.lake.scan(AUDIENCE_RECOMMENDATIONS, release.release_id).collect().sort(RANK)
    expected = everyone.filter(audience="everyone")[ITEM_ID].head(5).to_list()
    np.testing.assert_array_equal(found[ITEM_ID], expected)


def test_a_recipe_that_spark_cannot_fit_is_not_compared(source: Path, tmp_path: Path, monkeypatch) -> None:
    run(tmp_path / "home", source, monkeypatch, models=("ease", "popularity"))
    _, release = run(tmp_path / "home", source, monkeypatch, engine="spark")
    assert release.gates["decision"] == "first"


def test_a_model_that_spark_cannot_fit_is_refused_at_once(source: Path, tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(ConfigurationError, match="Spark does not fit this model; saw 'ease'"):
        run(tmp_path / "home", source, monkeypatch, engine="spark", models=("ease",))
    assert not (tmp_path / "home" / "lake" / "interactions").exists()


def test_the_master_does_not_change_a_night() -> None:
    local = NightConfig.model_validate({"engine": "spark", "spark": {"master": "local[2]"}})
    other = NightConfig.model_validate({"engine": "spark", "spark": {"master": "spark://host:7077"}})
    assert local.deciding() == other.deciding()
