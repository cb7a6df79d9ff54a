from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nightschool.settings import HomePaths
from nightschool.storage.nights import NightRow, Nights
from serving.night_figures import SECONDS, NightFigures
from tests.serving.nights import make_nights

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path: Path) -> HomePaths:
    return HomePaths(tmp_path / "home")


def leave(paths: HomePaths, outcome: str, code: int | None, hours: int, **about: object) -> None:
    at = NOW - timedelta(hours=hours)
    row = {"night_id": f"{outcome}{hours}", "started_at": at, "ended_at": at, "outcome": outcome, "exit_code": code}
    Nights.of(paths).append(NightRow.model_validate({**row, **about}))


def figures(text: bytes) -> dict[str, float]:
    families = text_string_to_metric_families(text.decode())
    samples = [sample for family in families for sample in family.samples]
    return {f"{each.name}{''.join(each.labels.values())}": each.value for each in samples}


def test_a_home_without_nights_has_no_figures_of_them(paths: HomePaths) -> None:
    assert figures(NightFigures(paths).exposition()) == {"nightschool_nights_readable": 1}
    assert not paths.root.exists()


def test_the_last_night_is_told_and_when_the_last_one_succeeded(paths: HomePaths) -> None:
    make_nights(paths.root)
    counts = {"accepted": 90, "quarantined": 10, "already_known": 1_000}
    leave(paths, "published", 0, 48)
    about = {"rows": {"interactions": counts}, "as_of": NOW, "newest_event": NOW - timedelta(hours=5)}
    leave(paths, "gate refused", 4, 24, **about)
    leave(paths, "busy", 6, 23)
    assert figures(NightFigures(paths).exposition()) == {
        "nightschool_last_nightgate refused": 1,
        "nightschool_last_night_timestamp_seconds": (NOW - timedelta(hours=24)).timestamp(),
        "nightschool_last_success_timestamp_seconds": (NOW - timedelta(hours=48)).timestamp(),
        "nightschool_last_night_as_of_timestamp_seconds": NOW.timestamp(),
        "nightschool_newest_event_timestamp_seconds": (NOW - timedelta(hours=5)).timestamp(),
        "nightschool_quarantined_share": 0.1,
        "nightschool_release_gatespassed": 1,
        "nightschool_release_gatesfailed": 1,
        "nightschool_release_figures_outsidefirst": 0,
        "nightschool_release_figures_outsidelonger": 1,
        "nightschool_nights_readable": 1,
    }


def test_figures_are_read_again_after_a_while(paths: HomePaths) -> None:
    seconds = [0.0]
    told = NightFigures(paths, lambda: seconds[0])
    told.exposition()
    leave(paths, "published", 0, 1)
    seconds[0] = SECONDS - 1
    assert "nightschool_last_nightpublished" not in figures(told.exposition())
    seconds[0] = SECONDS
    assert figures(told.exposition())["nightschool_last_nightpublished"] == 1


def test_a_damaged_table_fails_no_scrape(paths: HomePaths) -> None:
    leave(paths, "published", 0, 1)
    for file in (paths.lake / "nights").rglob("*.parquet"):
        file.write_bytes(b"PAR1 nothing")
    assert figures(NightFigures(paths).exposition()) == {"nightschool_nights_readable": 0}
