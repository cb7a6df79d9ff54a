from pathlib import Path

import pytest

from nightschool.application.report import write_report
from nightschool.errors import NotFound
from nightschool.settings import Settings
from nightschool.storage.binding import bind
from nightschool.storage.home import Home
from tests.night.nights import finish, make_home, start


@pytest.fixture
def bound() -> Home:
    """A home that is bound, and holds three rows."""
    made = make_home(Settings().paths.root)
    bind(made.paths.binding, made.binding)
    return made


def test_a_release_without_figures_and_lists_has_a_report_all_the_same(bound: Home) -> None:
    stored = finish(start(bound), reason="made by hand")
    file = write_report(None, None)
    assert file == bound.paths.reports / f"{stored.release_id}.html"
    page = file.read_text()
    assert "<h1>learning: " in page
    assert "Made by hand." in page
    assert "1 interactions of 1 users with 1 items" in page


def test_before_the_first_release_there_is_none(bound: Home) -> None:
    with pytest.raises(NotFound, match="nothing was published yet"):
        write_report(None, None)


def test_an_unknown_release_is_named(bound: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="saw 'nonsense'"):
        write_report("nonsense", tmp_path)
