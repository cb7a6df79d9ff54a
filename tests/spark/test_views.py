from pathlib import Path

import numpy as np
import pytest

from nightschool.errors import DataRefused
from nightschool.night.filter_report import measure_effects
from nightschool.night.prepare import prepare_events
from nightschool.spark.prepare import prepare_parts
from tests.spark.logs import divided, here, home_of, open_night, planted


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"min_user_events": 20},
        {"min_user_events": 12, "min_item_events": 18},
        {"half_life_days": 10.0},
    ],
    ids=str,
)
def test_filters_see_everybody(rules, tmp_path: Path, monkeypatch) -> None:
    night = open_night(home_of(planted(), tmp_path / "home"), **rules)
    one = prepare_events(here(night))
    effects = measure_effects(one.log, one.log.known, night.config)
    folder = tmp_path / "parts"
    parts = divided(night, folder, 5, monkeypatch)
    assert len(parts) > 2
    (tmp_path / "again").mkdir()
    record = prepare_parts(night, tmp_path / "again")
    assert record.signals == effects.rows
    whole = one.log.dataset()
    taught = [parts.dataset(part, "everything") for part in range(len(parts))]
    assert sum(each.pairs.height for each in taught) == whole.pairs.height
    scores = np.concatenate([each.pairs["score"].to_numpy() for each in taught])
    np.testing.assert_array_equal(scores, whole.pairs["score"].to_numpy())


def test_nothing_known_and_filters_that_leave_nothing_are_refused(tmp_path: Path) -> None:
    home = home_of(planted(), tmp_path / "home")
    (tmp_path / "parts").mkdir()
    with pytest.raises(DataRefused, match="leave nothing to learn from"):
        prepare_parts(open_night(home, min_user_events=500), tmp_path / "parts")
