import json

import polars as pl
import pytest

from expectations import validation
from nightschool.columns import DETAIL, QUARANTINE, REASON, ROW, SOURCE_ROW
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ledger import Ledger
from nightschool.ingest.quarantine.asked import carry_out
from nightschool.storage.database import open_database
from nightschool.storage.quarantine.repairs import Place, Repairs
from tests.ingest.logs import NOW, ROWS, Home


class Killed(Exception):
    """What ends a process at an instant of a test."""


@pytest.fixture
def home(tmp_path) -> Home:
    """Rows 4 and 5 of the log lie in quarantine."""
    home = Home(tmp_path)
    home.write([*ROWS, "1,9,9,2025-01-04", "1,9,4"])
    home.ingest()
    return home


@pytest.fixture
def repairs(tmp_path) -> Repairs:
    return Repairs(open_database(f"sqlite:///{tmp_path / 'lake.db'}"))


def carried_out(home: Home, repairs: Repairs) -> dict[str, int]:
    context = IngestContext(home.manifest, home.root, home.lake, Ledger(home.lake, NOW), validation, NOW, NOW)
    return dict(carry_out(context, repairs).states)


def place(row: int) -> Place:
    return Place("interactions", "log.csv", row)


def kept(home: Home, row: int) -> str:
    return home.rows(QUARANTINE).filter(pl.col(SOURCE_ROW) == row)[ROW].item()


def ask(home: Home, repairs: Repairs, row: int, **values: str) -> None:
    repairs.ask(place(row), kept(home, row), json.dumps({**json.loads(kept(home, row)), **values}), "ops")


def test_what_was_asked_is_done_once(home, repairs):
    ask(home, repairs, 4, rating="4")
    ask(home, repairs, 5, line="1,9,4,2025-01-05")
    assert carried_out(home, repairs) == {"taken": 2}
    assert home.rows()[SOURCE_ROW].to_list() == [1, 2, 3, 4, 5]
    assert home.rows(QUARANTINE).is_empty()
    assert carried_out(home, repairs) == {}


def test_nothing_asked_is_nothing_done(home, repairs):
    version = home.lake.version(QUARANTINE)
    assert carried_out(home, repairs) == {}
    assert home.lake.version(QUARANTINE) == version


def test_a_row_that_is_still_bad_stays_with_its_new_reason(home, repairs):
    ask(home, repairs, 4, rating="4", at="yesterday")
    assert carried_out(home, repairs) == {"refused": 1}
    assert [(each.state, each.detail) for each in repairs.all()] == [("refused", "bad_timestamp")]
    assert home.rows().height == 3


def test_a_dismissed_row_is_kept_with_what_was_wrong(home, repairs):
    repairs.dismiss(place(5), kept(home, 5), "half a line", "ops")
    assert carried_out(home, repairs) == {"dismissed": 1}
    row = home.rows(QUARANTINE).filter(pl.col(SOURCE_ROW) == 5)
    assert row[REASON].item() == "dismissed"
    assert row[DETAIL].item().startswith("half a line; wrong_field_count 3 fields")


def test_a_row_that_is_gone_or_another_is_left_alone(home, repairs):
    repairs.ask(place(1), "{}", '{"rating":"4"}', "ops")
    repairs.dismiss(place(4), "another", "not mine", "ops")
    assert carried_out(home, repairs) == {"gone": 2}
    assert home.rows(QUARANTINE).height == 2


@pytest.mark.parametrize("end", ["append", "overwrite"])
def test_killed_in_the_middle_it_goes_on(home, repairs, monkeypatch, end):
    ask(home, repairs, 4, rating="4")

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(home.lake, end, kill)
        with pytest.raises(Killed):
            carried_out(home, repairs)
    assert carried_out(home, repairs) == {"taken": 1}
    assert home.rows()[SOURCE_ROW].to_list() == [1, 2, 3, 4]


def test_what_cannot_be_tried_is_refused_and_the_rest_comes_in(home, repairs):
    home.write(["1,9,9,2025-01-04"], "log-2.csv")
    home.ingest()
    other = Place("interactions", "log-2.csv", 1)
    was = home.rows(QUARANTINE).filter(pl.col("source_file") == "log-2.csv")[ROW].item()
    repairs.ask(other, was, was.replace("9,", "4,").replace('"9"', '"4"'), "ops")
    ask(home, repairs, 5, line="1,9,4,2025-01-05")
    (home.root / "log.csv").unlink()
    assert carried_out(home, repairs) == {"taken": 1, "refused": 1}
    assert repairs.all()[1].detail != ""
