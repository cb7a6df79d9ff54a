"""What a night can say of its files; tests/ingest/test_deliveries.py has how they are judged."""

import pytest

from nightschool.columns import HELD, ROWS, SOURCES
from nightschool.errors import ConfigurationError, DataRefused
from tests.ingest.logs import ROWS as LINES
from tests.ingest.logs import Home


def test_first_file_that_is_refused_refuses_a_home_without_rows(tmp_path):
    home = Home(tmp_path)
    home.write(LINES, header="who,item,rating,at\n")
    with pytest.raises(DataRefused, match=r"log\.csv has no column user"):
        home.ingest()
    home.write(LINES, "log-2.csv")
    assert home.ingest().interactions.accepted == 3


def test_the_ledger_counts_what_the_tables_got(tmp_path):
    home = Home(tmp_path)
    home.write(LINES)
    home.write(LINES, "log-2.csv")
    home.ingest()
    rows = home.lake.scan(SOURCES).sort("file").select(ROWS, HELD).collect().rows()
    assert sorted(rows) == [(3, 0), (3, 3)]


def test_two_parts_may_not_name_one_file(tmp_path):
    home = Home(tmp_path)
    home.manifest = home.manifest.model_copy(update={"interactions": home.manifest.interactions * 2})
    home.write(LINES)
    with pytest.raises(ConfigurationError, match=r"two parts of \[interactions\] name one file"):
        home.ingest()
