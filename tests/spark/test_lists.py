from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    CANDIDATE_SCORES,
    HISTORIES,
    ITEM_WEIGHTS,
    NEXT_ITEMS,
    RECOMMENDATIONS,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    USER_ID,
)
from nightschool.night.gates import TABLE_GATES, NoneOf
from nightschool.night.prepare import prepare_events
from nightschool.night.release.audiences import measure_audiences
from nightschool.night.release.lists import read_table, staged_files, write_tables
from nightschool.night.release.stability import UNTIED
from nightschool.recipe import Component, Recipe
from nightschool.spark import lists
from nightschool.spark.fit import Fitting, fit_recipe, load_recipe
from nightschool.spark.lists import Listing, audiences_on_parts, write_item_tables, write_lists
from nightschool.spark.matrices import write_matrices
from tests.night.nights import MANIFEST
from tests.spark.logs import divided, here, home_of, open_night, planted

RECIPE = Recipe(components=(Component(model="itemknn", weight=0.6), Component(model="transitions", weight=0.4)))
K = 7
SAME = (
    AUDIENCE_RECOMMENDATIONS,
    CANDIDATE_SCORES,
    HISTORIES,
    ITEM_WEIGHTS,
    NEXT_ITEMS,
    RECOMMENDATIONS,
    SIMILAR_ITEMS,
)


@pytest.fixture
def made(tmp_path: Path, monkeypatch):
    """The tables on one machine, those in parts, and what was counted of the lists."""
    monkeypatch.setattr(lists, "USERS_A_FILE", 9)
    night = open_night(home_of(planted(n_users=120), tmp_path / "home"), MANIFEST.model_copy(update={"items": None}))
    parts = divided(night, tmp_path / "parts", 4, monkeypatch)
    fitting = Fitting(parts, "everything", write_matrices(parts, "everything"), tmp_path / "scratch")
    fit_recipe(RECIPE, fitting, tmp_path / "model")
    whole = prepare_events(here(night)).log.dataset()
    write_tables(load_recipe(tmp_path / "model", whole), whole, tmp_path / "one", k=K, megabytes=1)
    audiences = audiences_on_parts(parts)
    listing = Listing(parts.folder, tmp_path / "model", audiences.names, audiences.scores, K, 1, None, UNTIED)
    listed = write_lists(listing, tmp_path / "many")
    model = load_recipe(tmp_path / "model", parts.dataset(0, "everything"))
    rows = write_item_tables(fitting, model, audiences, tmp_path / "many", k=K, megabytes=1)
    return tmp_path / "one", tmp_path / "many", listed, rows, (audiences, measure_audiences(whole))


def test_tables_are_those_of_one_machine(made) -> None:
    one, many, listed, rows, _ = made
    for table in SAME:
        expected, found = (read_table(folder, table).collect() for folder in (one, many))
        assert found.equals(expected), table.name
        assert {**listed.rows, **rows}.get(table.name, found.height) == expected.height


def test_files_hold_consecutive_users_in_order(made) -> None:
    _, many, *_ = made
    files = [pl.read_parquet(file) for file in staged_files(many, RECOMMENDATIONS)]
    assert len(files) > 3
    assert all(frame[USER_ID].n_unique() <= 9 for frame in files)
    assert pl.concat(files)[USER_ID].is_sorted()


def test_similar_users_are_of_the_same_part(made) -> None:
    _, many, listed, *_ = made
    similar = read_table(many, SIMILAR_USERS).collect()
    assert similar.height == listed.rows[SIMILAR_USERS.name] > 0
    assert similar[USER_ID].is_sorted()


def test_every_list_is_checked_by_every_gate_that_counts(made) -> None:
    _, many, listed, *_ = made
    assert listed.defects == {gate.name: 0 for gate in TABLE_GATES if isinstance(gate.check, NoneOf)}
    items = read_table(many, RECOMMENDATIONS).select("item_id").collect()["item_id"]
    assert listed.items == set(items.to_list())


def test_audiences_are_measured_among_all_users(made) -> None:
    *_, (found, expected) = made
    assert found.names == expected.names
    assert len(found.names) > 1
    assert (found.scores == expected.scores).all()
