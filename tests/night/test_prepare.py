from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.columns import AVAILABLE_AT, INTERACTIONS, ITEM_ID, ITEMS, TIMESTAMP, USER_ID
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.manifest.sections import TextEncoder
from nightschool.data.vectors import vectors_of
from nightschool.item_columns import TEXT_VECTOR
from nightschool.night.config import NightConfig
from nightschool.night.night import Night
from nightschool.night.prepare import Prepared, event_log, prepare_events
from nightschool.night.text_vectors import Encodings
from nightschool.storage.home import Home
from tests.night.nights import MANIFEST, MONDAY, REQUEST, make_home, start
from tests.night.tiny_encoder import TinyEncoder

DAYS = 100
CONFIG = NightConfig(min_users=5, window_days=10)
LOG_ONLY = MANIFEST.model_copy(update={"users": None, "items": None})


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    """Besides the one interaction of Monday: ten users who meet a new item on each of the 100 days before."""
    home = make_home(tmp_path / "home")
    day, user = (axis.ravel() for axis in np.meshgrid(np.arange(DAYS), np.arange(10, 20)))
    when = pl.Series([MONDAY - timedelta(days=int(each) + 1) for each in day])
    more = {"duration_seconds": 300.0, "source_file": "b.csv"}
    columns = {USER_ID: user, ITEM_ID: day, TIMESTAMP: when, AVAILABLE_AT: when, "source_row": day}
    schema = home.lake.schema(INTERACTIONS)
    rows = pl.DataFrame(columns).with_columns(pl.lit(value).alias(name) for name, value in more.items())
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
    home.lake.append(INTERACTIONS, rows.with_columns(lacking).select(pl.col(n).cast(d) for n, d in schema.items()))
    return home


@pytest.fixture
def night(opened: Home) -> Night:
    return start(opened, config=CONFIG, manifest=LOG_ONLY)


def test_events_are_cut_in_time_by_the_nights_configuration(night: Night) -> None:
    prepared = prepare_events(night)
    assert prepared.cut.protocol == "temporal"
    assert prepared.cut.test_from == MONDAY - timedelta(days=10)
    assert prepared.cut.validation_from == MONDAY - timedelta(days=20)
    times = prepared.log.events[TIMESTAMP]
    late = pl.Series(prepared.cut.part(2))
    assert times.filter(late).min() > prepared.cut.test_from >= times.filter(~late).max()
    wider = replace(night, config=CONFIG.model_copy(update={"window_days": 15}))
    assert prepare_events(wider).cut.test_from == MONDAY - timedelta(days=15)


def test_only_what_was_known_is_prepared(opened: Home) -> None:
    early = MONDAY - timedelta(days=50)
    night = start(opened, replace(REQUEST, as_of=early), config=CONFIG, manifest=LOG_ONLY)
    prepared = prepare_events(night)
    assert prepared.log.events.height == 10 * 51
    assert prepared.log.events[TIMESTAMP].max() == early
    assert prepared.log.empty.n_users == 10


def test_log_takes_in_the_tables_that_the_manifest_declares(opened: Home) -> None:
    whole = event_log(opened.lake, MANIFEST.model_copy(update={"users": None}), MONDAY, CONFIG)
    # Items 7 and 8 are declared, the others only met.
    assert set(whole.empty.item_ids) == set(range(DAYS))
    available = whole.available(None)
    assert {item for item, there in zip(whole.empty.item_ids, available, strict=True) if there} == {7, 8}
    assert set(event_log(opened.lake, LOG_ONLY, MONDAY, CONFIG).empty.user_ids) == {1, *range(10, 20)}


def test_what_is_saved_comes_back(night: Night, tmp_path: Path) -> None:
    prepared = prepare_events(night)
    record = prepared.save(tmp_path / "stage", ())
    back = Prepared.load(tmp_path / "stage", record)
    assert back.log.events.equals(prepared.log.events)
    assert back.log.empty.user_ids.equals(prepared.log.empty.user_ids)
    assert np.array_equal(back.cut.labels, prepared.cut.labels)
    assert replace(back.cut, labels=prepared.cut.labels).__dict__ == prepared.cut.__dict__


def test_record_says_how_much_there_is(night: Night, tmp_path: Path) -> None:
    record = prepare_events(night).save(tmp_path / "stage", ())
    assert (record.protocol, record.underpowered, record.warnings) == ("temporal", False, ())
    assert (record.users, record.items, record.events) == (11, DAYS, 1001)
    assert sum(record.events_by_part) == 1001
    assert record.model_dump(mode="json")["test_from"] == "2024-04-26T00:00:00Z"


def test_cut_without_instants_comes_back_too(night: Night, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"min_users": 200})
    prepared = prepare_events(replace(night, config=config))
    assert (prepared.cut.protocol, prepared.cut.underpowered) == ("temporal-user", True)
    record = prepared.save(tmp_path / "stage", ())
    assert record.test_from is None
    assert Prepared.load(tmp_path / "stage", record).cut.warnings == prepared.cut.warnings != ()


def with_encoder(model: Path) -> Manifest:
    items = MANIFEST.items.model_copy(update={"text": ("title",), "text_encoder": TextEncoder(model=str(model))})
    return MANIFEST.model_copy(update={"users": None, "items": items})


def test_without_its_encoder_a_night_goes_on_and_warns(opened: Home, tmp_path: Path) -> None:
    night = start(opened, config=CONFIG, manifest=with_encoder(tmp_path / "gone"))
    prepared = prepare_events(night)
    assert prepared.log.empty.item_columns.vectors == ()
    record = prepared.save(tmp_path / "stage", ())
    assert any("no folder of the text_encoder" in warning for warning in record.warnings)


def test_encoded_texts_stay_with_the_saved_log(opened: Home, tmp_path: Path) -> None:
    row = {ITEM_ID: [9], "title": ["Joins"], "text": ["Joins"], AVAILABLE_AT: [MONDAY]}
    opened.lake.append(ITEMS, pl.DataFrame(row, schema_overrides=opened.lake.schema(ITEMS)))
    encodings = Encodings(tmp_path / "encodings", find=lambda _: TinyEncoder())
    log = event_log(opened.lake, with_encoder(tmp_path), MONDAY, CONFIG, encodings=encodings)
    log.save(tmp_path / "log")
    dataset = EventLog.load(tmp_path / "log").empty
    assert dataset.item_columns.vectors == (TEXT_VECTOR,)
    found = vectors_of(dataset)
    assert found.values.shape == (DAYS, 32)
    assert dataset.item_ids.filter(pl.Series(found.known)).to_list() == [9]
