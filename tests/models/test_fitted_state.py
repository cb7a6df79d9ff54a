from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.fitted_state import Known
from nightschool.errors import ConfigurationError, NotFound


def test_it_remembers_ids_histories_and_the_catalogue(planted, tmp_path):
    known = Known.of(planted)
    known.save(tmp_path)
    loaded = Known.load(tmp_path)
    for one in (known, loaded):
        assert one.user_ids.to_list() == planted.user_ids.to_list()
        assert one.item_ids.dtype == pl.Int64
        assert np.array_equal(one.available, planted.available)
        assert (one.history != planted.scores()).nnz == 0
        assert one.history.nnz == planted.interactions.height
        assert np.flatnonzero(one.cold_users).tolist() == [41]


def test_later_changes_to_the_dataset_do_not_reach_it(planted):
    own = replace(planted, available=planted.available.copy())
    known = Known.of(own)
    own.available[:] = False
    assert known.available.sum() == 21


def test_ids_become_indices(dataset_of):
    known = Known.of(dataset_of([(0, 0, 1.0)], 3, 1))
    assert known.user_indices(pl.Series(["user 2", "user 0", "user 2"])).tolist() == [2, 0, 2]
    with pytest.raises(NotFound, match="1 of 1"):
        known.user_indices(pl.Series([None], dtype=pl.String))
    with pytest.raises(ConfigurationError, match="pass ids of that type"):
        known.user_indices(pl.Series([1.5]))
