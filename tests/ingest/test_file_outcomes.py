import pytest

from nightschool.columns import INTERACTIONS, REASON, SOURCES, STATE, USERS
from nightschool.errors import NotFound
from nightschool.ingest.file_outcomes import FileFate, decide_file
from nightschool.ingest.ledger import Ledger
from tests.ingest.logs import NOW, ROWS, Home


@pytest.fixture
def garbage(tmp_path) -> Home:
    home = Home(tmp_path)
    home.write(ROWS)
    home.write([f"x{n},7,4,2025-01-01" for n in range(12)], "log-2.csv")
    home.ingest()
    return home


def test_what_was_set_aside_is_in_the_ledger_with_its_reason(garbage):
    row = garbage.lake.scan(SOURCES).filter(file="log-2.csv").collect().row(0, named=True)
    assert row[STATE] == "set_aside"
    assert "bad_user 12, such as 'x0', 'x1', 'x2'" in row[REASON]


def test_only_what_is_set_aside_can_be_decided(garbage):
    with pytest.raises(NotFound, match=r"no such file is set aside; saw 'log\.csv'"):
        decide_file(Ledger(garbage.lake, NOW), [INTERACTIONS, USERS], "log.csv", "dropped")
    assert decide_file(Ledger(garbage.lake, NOW), [INTERACTIONS], "log-2.csv", "dropped")[STATE] == "dropped"
    with pytest.raises(NotFound):
        decide_file(Ledger(garbage.lake, NOW), [USERS], "log-2.csv", "dropped")


def test_a_file_that_was_left_out_is_a_warning():
    assert FileFate("items", "a.csv", "taken", 3).warning is None
    assert FileFate("items", "a.csv", "set_aside", 3, "why").warning == "a.csv was left out (set aside): why"
