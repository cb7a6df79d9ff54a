"""Source files of a platform whose catalogue grows."""

import numpy as np
import polars as pl

from nightschool.closed_loop.source import SourceFiles
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.vocabulary import CONTENT_FILE, CONTENT_ID, ENGAGEMENTS_FILE

CONFIG = SimulatorConfig(users=100, items=50, interactions=2_000)


def ids(folder, name):
    return pl.read_csv(folder / name)[CONTENT_ID].to_list()


def test_items_that_are_not_there_yet_are_held_back(tmp_path):
    files = SourceFiles(tmp_path, CONFIG, new_items=0.2, days=5)
    there = set((np.flatnonzero(files.world.there(0)) + 1).tolist())
    assert set(ids(tmp_path, CONTENT_FILE)) == there
    assert len(there) == 40
    assert set(ids(tmp_path, ENGAGEMENTS_FILE)) <= there
    assert files.world.done.sum() == pl.read_csv(tmp_path / ENGAGEMENTS_FILE).n_unique(("user_id", CONTENT_ID))


def test_items_come_in_behind_those_that_are_there(tmp_path):
    files = SourceFiles(tmp_path, CONFIG, new_items=0.2, days=5)
    before = ids(tmp_path, CONTENT_FILE)
    files.arrive(2)
    after = ids(tmp_path, CONTENT_FILE)
    assert after[: len(before)] == before
    assert len(after) == 44
