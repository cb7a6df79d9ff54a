"""The command that says what was shown, before and after somebody says so."""

from datetime import UTC, datetime, timedelta

from nightschool.settings import Settings
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore
from tests.cli.conftest import Published, Run
from tests.shown.given import a_list, did


def test_what_was_shown_is_told_by_kind_after_the_next_ingest(writing: Published, run: Run) -> None:
    assert "Nobody said that a list was shown" in run("shown").out
    engine = open_database(Settings().events_address)
    past = datetime.now(UTC) - timedelta(days=2)
    rows = [a_list(f"l{n}", ["1", "2"], "7", scenario="hero", made_at=past) for n in range(3)]
    ListStore(engine).append(rows)
    told = [Impression(f"i{n}", f"l{n}", "7", past, [1] if n else None) for n in range(3)]
    ImpressionStore(engine).append([*told, Impression("lost", "gone", "7")])
    event = did("1", 0, "complete", "l0", "7")
    EventStore(engine).append([event._replace(at=past + timedelta(hours=1))])
    engine.dispose()
    assert run("ingest").code == 0
    document = run("shown", "--json").document
    assert document["unknown_impressions"] == 1
    whole = next(rate for rate in document["rates"] if rate["kind"] == "all")
    assert (whole["shown"], whole["clicked"][0], whole["completed"][0]) == (4, 0.25, 0.25)
    outcome = run("shown")
    assert outcome.code == 0
    assert "Shown, by place" in outcome.out
    assert "hero" in outcome.out
    assert "1 impressions were of lists that are not known" in outcome.out
