import pytest

from nightschool.columns import QUARANTINE, REASON
from nightschool.storage.quarantine.table import count_reasons, quarantined
from tests.ingest.logs import ROWS, Home

GOOD = [f"{user},7,4,2025-01-02T10:{user:02}:00" for user in range(1, 21)]


def mended(tmp_path, bad: str, good: str, **more: object) -> list[str]:
    """The reasons that are left after a bad row's other form came in."""
    home = Home(tmp_path, **more)
    home.write([*GOOD, bad])
    home.ingest()
    home.write([good], "log-2.csv")
    home.ingest()
    return home.rows(QUARANTINE)[REASON].to_list()


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("30,7,9,2025-01-02T11:00:00", "30,7,4,2025-01-02T11:00:00"),
        ("x,7,4,2025-01-02T11:00:00", "30,7,4,2025-01-02T11:00:00"),
        (",7,4,2025-01-02T11:00:00", "30,7,4,2025-01-02T11:00:00"),
        ("30,x,4,2025-01-02T11:00:00", "30,7,4,2025-01-02T11:00:00"),
        ("30,7,4,yesterday", "30,7,4,2025-01-02T11:00:00"),
    ],
    ids=["rating", "user", "no user", "item", "time"],
)
def test_mended_form_is_known_by_all_that_was_right(tmp_path, bad, good):
    assert mended(tmp_path, bad, good) == ["superseded"]


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("30,7,9,2025-01-02T11:00:00", "30,7,4,2025-01-02T11:00:01"),
        ("30,7,9,2025-01-02T11:00:00", "31,7,4,2025-01-02T11:00:00"),
        ("x,7,4,yesterday", "30,7,4,2025-01-02T11:00:00"),
    ],
    ids=["another time", "another user", "two faults"],
)
def test_another_row_is_none(tmp_path, bad, good):
    assert mended(tmp_path, bad, good) != ["superseded"]


def test_superseded_rows_are_listed_only_when_they_are_asked_for(tmp_path):
    home = Home(tmp_path)
    home.write([*GOOD, ROWS[0].replace(",4,", ",9,")])
    home.ingest()
    home.write([ROWS[0]], "log-2.csv")
    home.ingest()
    assert count_reasons(quarantined(home.lake)).is_empty()
    assert count_reasons(quarantined(home.lake, "superseded"))["rows"].to_list() == [1]
