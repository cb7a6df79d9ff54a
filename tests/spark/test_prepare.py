from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightschool.columns import TIMESTAMP, USER_INDEX
from nightschool.night.prepare import Prepared, prepare_events
from nightschool.spark import prepare
from nightschool.spark.prepare import load_sample, prepare_parts
from tests.night.nights import MANIFEST, MONDAY
from tests.spark.logs import divided, here, home_of, open_night, planted

ROWS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.integers(100, 112),
        st.none() | st.floats(0, 60, allow_nan=False),
        st.floats(0, 40, allow_nan=False),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


def by_user(prepared: Prepared) -> pl.DataFrame:
    """The events in the order of users, each user's as in the source, with their parts."""
    labelled = prepared.log.events.with_columns(label=pl.Series(prepared.cut.labels))
    return labelled.sort(USER_INDEX, maintain_order=True)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=ROWS, parts=st.integers(1, 6), declares_users=st.booleans())
def test_parts_hold_what_one_machine_prepares(rows, parts: int, declares_users: bool, monkeypatch) -> None:
    with TemporaryDirectory() as folder:
        users = MANIFEST.users if declares_users else None
        night = open_night(home_of(rows, Path(folder, "home")), MANIFEST.model_copy(update={"users": users}))
        one = prepare_events(here(night))
        divided(night, Path(folder, "parts"), parts, monkeypatch)
        record = one.save(Path(folder), ())
        found = load_sample(Path(folder, "parts"), record)
    assert found.log.empty.users.equals(one.log.empty.users)
    assert found.log.empty.items.equals(one.log.empty.items)
    assert found.log.item_available_at.equals(one.log.item_available_at)
    assert by_user(found).equals(by_user(one))
    assert (found.cut.protocol, found.cut.test_from) == (one.cut.protocol, one.cut.test_from)


def test_the_record_says_what_one_machine_says(tmp_path: Path, monkeypatch) -> None:
    night = open_night(home_of(planted(), tmp_path / "home"))
    one = prepare_events(here(night)).save(tmp_path, ())
    monkeypatch.setattr("nightschool.spark.divide.ROWS_A_PART", 200)
    (tmp_path / "parts").mkdir()
    record = prepare_parts(night, tmp_path / "parts")
    assert record.model_copy(update={"signals": ()}) == one


def test_a_recipe_of_many_events_is_chosen_on_some_users(tmp_path: Path, monkeypatch) -> None:
    night = open_night(home_of(planted(), tmp_path / "home"))
    monkeypatch.setattr(prepare, "SAMPLE_EVENTS", 300)
    monkeypatch.setattr("nightschool.spark.divide.ROWS_A_PART", 200)
    (tmp_path / "parts").mkdir()
    record = prepare_parts(night, tmp_path / "parts")
    assert "chosen on a random" in record.warnings[-1]
    sample = load_sample(tmp_path / "parts", record)
    assert 200 < sample.log.events.height <= 300
    one = prepare_events(here(night))
    few = one.log.events.filter(pl.col(USER_INDEX) < sample.log.empty.n_users)
    assert sample.log.events.height == few.height
    assert sample.cut.test_from == one.cut.test_from


def test_late_rows_are_not_prepared(tmp_path: Path, monkeypatch) -> None:
    home = home_of([*planted(events=100), (10, 100, -5.0, 1.0, True)], tmp_path / "home")
    night = open_night(home)
    night = replace(night, identity=replace(night.identity, as_of=MONDAY))
    parts = divided(night, tmp_path / "parts", 3, monkeypatch)
    latest = max(parts.log(part).events[TIMESTAMP].max() for part in range(len(parts)))
    assert latest <= MONDAY < MONDAY + timedelta(days=5)
