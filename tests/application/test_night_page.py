import logging
from datetime import UTC, datetime

import pytest

from nightschool.application.night_page import report_night
from nightschool.settings import Settings
from nightschool.storage.binding import bind
from nightschool.storage.home import Home
from nightschool.storage.lock import home_lock
from nightschool.storage.nights import NightRow
from tests.night.nights import draft, finish, make_home, start

BEGAN = datetime(2024, 5, 7, 2, 30, tzinfo=UTC)


@pytest.fixture
def bound() -> Home:
    made = make_home(Settings().paths.root)
    bind(made.paths.binding, made.binding)
    return made


def row(outcome: str, reason: str = "") -> NightRow:
    return NightRow(night_id="0123456789ab", started_at=BEGAN, outcome=outcome, reason=reason)


def pages() -> dict[str, str]:
    return {page.name: page.read_text() for page in Settings().paths.reports.glob("*")}


def test_a_release_has_a_page_which_is_the_one_for_mlflow(bound: Home) -> None:
    stored = finish(start(bound), reason="made by hand")
    page = report_night(row("published"), stored.run_key)
    ((name, own),) = pages().items()
    assert name == f"{stored.release_id}.html"
    assert "Made by hand." in page
    assert "learners" in own
    assert "learners" not in page


def test_a_refused_release_has_a_page_too(bound: Home) -> None:
    refused = bound.releases.refuse(draft(start(bound), reason="too few items"))
    page = report_night(row("gate refused"), refused.run_key)
    assert pages().keys() == {f"{refused.release_id}.html"}
    assert "Nothing was published" in page


def test_an_unchanged_night_has_a_short_page_which_stays_in_the_home(bound: Home) -> None:
    stored = finish(start(bound))
    assert report_night(row("unchanged"), None) == ""
    ((name, page),) = pages().items()
    assert name == "night-2024-05-07-0230-01234567.html"
    assert f"Users see the lists of {stored.release_id}, as before." in page


def test_a_night_that_failed_before_there_was_anything_has_a_page() -> None:
    assert report_night(row("failed", "division by <zero>"), "no such key") == ""
    ((_, page),) = pages().items()
    assert "division by &lt;zero&gt;" in page
    assert "There are no lists yet." in page


@pytest.mark.parametrize("outcome", ["busy", "interrupted"])
def test_a_try_that_was_no_night_has_none(outcome: str) -> None:
    assert report_night(row(outcome), None) == ""
    assert pages() == {}


@pytest.mark.parametrize("error", [OSError("disk full"), ZeroDivisionError("own")])
def test_what_goes_wrong_is_a_warning(
    bound: Home, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise error

    stored = finish(start(bound))
    monkeypatch.setattr("nightschool.application.night_page.release_pages", fail)
    with caplog.at_level(logging.WARNING, logger="nightschool.application"):
        assert report_night(row("published"), stored.run_key) == ""
    assert "the report of this night could not be written" in caplog.text
    assert pages() == {}


def test_in_a_home_that_somebody_else_holds_none_is_written(bound: Home, caplog: pytest.LogCaptureFixture) -> None:
    stored = finish(start(bound))
    with home_lock(bound.paths.lock), caplog.at_level(logging.WARNING, logger="nightschool.application"):
        assert report_night(row("published"), stored.run_key) == ""
    assert "the report of this night could not be written" in caplog.text
