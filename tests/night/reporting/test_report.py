from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS
from nightschool.ingest.batch import TableCounts
from nightschool.ingest.ingest import IngestReport
from nightschool.night.night import SEARCHED_ANEW, Night, Unchanged
from nightschool.night.reporting.report import already_decided, in_markdown, night_report, sample_learner
from tests.night.nights import MONDAY, TUESDAY, draft, finish, make_home, meet, publish, start

CAME = IngestReport({"interactions": TableCounts(4, 1200, 30, {}, set_aside=12)})
FIGURE = {"metrics": {"ndcg@10": [0.31, 0.3, 0.32]}}
NOTHING = {"metrics": {"ndcg@10": [None, None, None]}}
GATE = {"name": "learnable", "passed": True, "seen": "+0.1", "demanded": "> 0"}
EFFECT = {"rule": "suspected bots", "setting": "view", "rows": 1228, "users": 20, "items": 500}
AGES = {
    "new_item_events_7d": 0.25,
    "new_item_events_30d": 0.5,
    "new_item_places_7d": None,
    "new_item_places_30d": 0.125,
}
COVERAGE = {"name": "catalogue coverage", "passed": False, "seen": "0.001", "demanded": "at least 0.01"}


def stages(release_id: str | None) -> dict[str, Any]:
    return {
        "prepare": {"protocol": "temporal-user", "warnings": ["weaker"], "signals": [EFFECT]},
        "select": {
            "tuned": True,
            "candidates": [{"name": "ease", "note": "sparse form", **FIGURE}],
            "trials": [{"model": "ease"}, {"model": "ease"}, {"model": "ials"}],
            "failures": {"svd": "no"},
            "sweep": [],
        },
        "prove": {
            "roles": [{"name": "challenger", **FIGURE}, {"name": "popularity", **NOTHING}],
            "gates": [GATE],
            "decision": "first",
            "sentence": "ease is better than popularity",
        },
        "refit": {"notes": ["ease: sparse, with everything"]},
        "recommend": {"gates": [COVERAGE], "rows": {"recommendations": 2}, "freshness": AGES},
        "publish": {"release_id": release_id, "status": "published" if release_id else "dry run"},
    }


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """User 1 has met item 7 twice and user 2 once, item 8 last."""
    home = make_home(tmp_path / "home")
    meet(home, MONDAY, row=2)
    return start(home)


def offer(night: Night, user: int, source: str) -> dict[str, Any]:
    reason = "because_of_item" if source == "ease" else "popular"
    listed = {"release_id": night.identity.release_id, "user_id": user, "item_id": 8, "rank": 1, "score": 1.0}
    return {**listed, "source": source, "reason": reason, "because_item_id": 7 if source == "ease" else None}


def release(night: Night, *offers: dict[str, Any]) -> None:
    lake = night.home.lake
    frame = pl.DataFrame(offers, schema=lake.schema(RECOMMENDATIONS))
    lake.replace_release(RECOMMENDATIONS, night.identity.release_id, frame)
    counts = {"recommendations": frame.height}
    night.home.releases.publish(draft(night, row_counts=counts), night.base_version)


TAKEN = IngestReport({"interactions": TableCounts(4, 1200, 30, {})}, ("a row was odd",))


def test_night_that_was_published_before_says_so(night: Night) -> None:
    done = finish(night)
    report = already_decided(done, TAKEN)
    assert (report["status"], report["release_id"]) == ("already published", done.release_id)
    assert report["as_of"] == MONDAY.isoformat()
    assert (report["rows"], report["warnings"]) == (TAKEN.to_dict(), ["a row was odd"])
    assert f"{done.release_id} was already published" in report["sentence"]
    backfilled = already_decided(done.model_copy(update={"status": "backfilled"}), TAKEN)
    assert f"{done.release_id} was already backfilled" in backfilled["sentence"]


def test_night_that_changes_nothing_names_the_release_that_stays_and_its_own_t(night: Night) -> None:
    done = finish(night)
    report = already_decided(Unchanged(done, TUESDAY), TAKEN)
    assert (report["status"], report["release_id"]) == ("unchanged", done.release_id)
    assert report["as_of"] == TUESDAY.isoformat()
    assert (report["rows"], report["warnings"]) == (TAKEN.to_dict(), ["a row was odd"])
    assert report["sentence"] == f"nothing but T has changed since release {done.release_id}, which stays current"


def test_page_of_a_night_that_did_not_run_says_what_came_and_was_left_out(night: Night) -> None:
    page = in_markdown(already_decided(Unchanged(finish(night), TUESDAY), TAKEN)).splitlines()
    assert page[0].startswith("# unchanged: ")
    assert {f"- T: {TUESDAY.isoformat()}", "- note: a row was odd"} <= {*page}
    assert any(line.startswith("| interactions | ") for line in page)


def test_backfilled_release_says_so(night: Night) -> None:
    release(night, offer(night, 1, "ease"))
    stored = {**stages(night.identity.release_id), "publish": {"release_id": "x", "status": "backfilled"}}
    late = replace(night, late=True, moves_pointer=False)
    report = night_report(late, CAME, stored)
    assert report["status"] == "backfilled"
    assert SEARCHED_ANEW in report["warnings"]


def test_report_gathers_what_the_stages_found(night: Night) -> None:
    release(night, offer(night, 1, "ease"))
    report = night_report(night, CAME, stages(night.identity.release_id))
    assert (report["status"], report["release_id"]) == ("published", night.identity.release_id)
    assert (report["dataset"], report["protocol"]) == ("learning", "temporal-user")
    assert report["warnings"] == ["weaker", "ease: sparse, with everything"]
    assert report["gates"] == [GATE, COVERAGE]
    assert report["signals"] == [EFFECT]
    assert report["freshness"] == AGES
    assert report["failures"] == {"svd": "no"}
    assert report["trials"] == {"ease": 2, "ials": 1}
    assert report["learner"]["user_id"] == 1


def test_dry_run_has_no_release_and_no_learner(night: Night) -> None:
    report = night_report(night, CAME, stages(None))
    assert (report["status"], report["release_id"], report["learner"]) == ("dry run", None, None)


def test_learner_has_a_list_of_their_own_and_its_reasons(night: Night) -> None:
    release(night, offer(night, 1, "ease"), offer(night, 2, "audience"))
    learner = sample_learner(night)
    assert learner["user_id"] == 1
    assert [(row["item_id"], row["title"]) for row in learner["history"]] == [(7, "x"), (7, "x")]
    assert [(row["item_id"], row["title"], row["why"]) for row in learner["items"]] == [(8, "y", "because of x")]


def test_without_a_personal_list_there_is_no_learner(night: Night) -> None:
    release(night, offer(night, 1, "audience"), offer(night, 2, "audience"))
    assert sample_learner(night) == {"user_id": None, "history": [], "items": []}


def test_page_says_what_happened(night: Night) -> None:
    release(night, offer(night, 1, "ease"))
    page = in_markdown(night_report(night, CAME, stages(night.identity.release_id), ["odd"]))
    assert page.startswith(f"# published: {night.identity.release_id}\n\nease is better than popularity\n")
    for line in (
        f"- T: {MONDAY.isoformat()}",
        "- proved on: temporal-user",
        "- settings tried, the defaults among them: ease 2, ials 1",
        "- note: odd",
        "- note: weaker",
        "- note: ease: sparse, with everything",
        "- note: ease, when tried: sparse form",
        "| interactions | 1,234 | 4 | 1,200 | 30 | 12 | 0 |",
        "| suspected bots | view | 1,228 | 20 | 500 |",
        "| challenger | 0.3100 | 0.3000 – 0.3200 |",
        "| popularity | – | – – – |",
        "| 7d | 0.2500 | – |",
        "| 30d | 0.5000 | 0.1250 |",
        "| learnable | yes | +0.1 | > 0 |",
        "| catalogue coverage | NO | 0.001 | at least 0.01 |",
    ):
        assert line in page.splitlines()
    widths = {line.count("|") for line in page.splitlines() if line.startswith("| ")}
    assert widths == {4, 5, 6, 8}


def test_page_of_a_dry_run_bears_the_datasets_name(night: Night) -> None:
    assert in_markdown(night_report(night, CAME, stages(None))).startswith("# dry run: learning\n")
    assert publish(night).status == "published"
