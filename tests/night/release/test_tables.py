from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_array

from models.catalog import build
from nightschool.columns import CONTEXT_LIFTS, ITEM_WEIGHTS, RECOMMENDATIONS
from nightschool.contract import Dataset
from nightschool.night.records import ContextualiseRecord
from nightschool.night.release.lists import read_table
from nightschool.night.release.tables import Written, write_release_tables
from nightschool.recipe import Recipe
from tests.night.nights import POPULARITY, make_home, start

OFF = ContextualiseRecord(timezone="UTC", contexts=(), figures={})


def test_all_tables_are_written_and_counted(dataset: Dataset, tmp_path: Path) -> None:
    night = start(make_home(tmp_path / "home"))
    log = cast("Any", SimpleNamespace(dataset=lambda: dataset, contexts=()))
    fitted = build(Recipe.model_validate(POPULARITY)).fit(dataset, seed=0)
    content = csr_array(np.ones((dataset.n_items, dataset.n_items), dtype=np.float32))

    def write(name: str, weights: csr_array | None) -> Written:
        return write_release_tables(night, log, fitted, weights, OFF, tmp_path / name)

    written, without = write("with", content), write("without", None)
    assert written.tie.strength == 0
    assert written.rows[CONTEXT_LIFTS.name] == 0
    assert written.rows[ITEM_WEIGHTS.name] > without.rows[ITEM_WEIGHTS.name]
    assert read_table(tmp_path / "with", RECOMMENDATIONS).collect().height == written.rows[RECOMMENDATIONS.name] > 0
    assert written.rows.keys() == without.rows.keys()
