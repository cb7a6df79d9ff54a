import pytest

from nightschool.night.outcome import ALARMING
from nightschool.reports.nights import PAGED, night_section
from nightschool.storage.nights import NightRow
from nightschool.storage.release import Release
from tests.reports.frames import START

CURRENT = Release(release_id="2024-01-01-aaaaaaaa", as_of=START, created_at=START, status="published", commit_version=1)
SEEN = "Users see the lists of 2024-01-01-aaaaaaaa, as before."


def told(outcome: str, current: Release | None = CURRENT, reason: str = "") -> list[str]:
    return list(night_section(NightRow(outcome=outcome, reason=reason), current).lead)


@pytest.mark.parametrize(
    ("outcome", "happened", "do"),
    [
        (
            "unchanged",
            "Nothing but the day has changed since the release before, so no new lists were made.",
            "Nothing needs to be done, unless new data should have come.",
        ),
        (
            "data refused",
            "Tonight's data cannot be used, so no new lists were made.",
            "Correct the data, or accept them, and run the night again.",
        ),
        (
            "failed",
            "The night failed by a defect, and no new lists were made.",
            "Run it again: it goes on where it stopped; report the defect where it comes back.",
        ),
    ],
)
def test_a_manager_reads_why_there_is_no_release(outcome: str, happened: str, do: str) -> None:
    assert told(outcome) == [happened, SEEN, do]


def test_what_the_night_said_follows_and_before_the_first_release_there_are_no_lists() -> None:
    assert told("failed", None, "division by zero")[1:] == [
        "There are no lists yet.",
        PAGED["failed"][1],
        "In its own words: division by zero",
    ]


def test_every_night_that_ends_by_itself_has_a_page() -> None:
    assert ALARMING - {"interrupted", "died"} < PAGED.keys()
