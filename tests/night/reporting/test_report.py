from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS
from nightschool.ingest.batch import TableCounts
from nightschool.ingest.ingest import IngestReport
from nightschool.night.night import Night, Unchanged
from nightschool.night.records import (
    STAGES,
    IngestRecord,
    PrepareRecord,
    PublishRecord,
    RecommendRecord,
    StageRecord,
    ValidateRecord,
)
from nightschool.night.reporting.report import already_decided, in_markdown, night_report, sample_user
from tests.night.nights import MONDAY, TUESDAY, draft, finish, make_home, meet, publish, start
from tests.night.records import COVERAGE, LEARNABLE, example, keep, keep_all

CAME = IngestRecord.of(IngestReport({"interactions": TableCounts(4, 1200, 30, {}, set_aside=12)}))


def published(release_id: str | None, status: str = "published") -> PublishRecord:
    return PublishRecord(release_id=release_id, status=status if release_id else "dry run")


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """User 1 has met item 7 twice and user 2 once, item 8 last."""
    home = make_home(tmp_path / "home")
    meet(home, MONDAY, row=2)
    night = start(home)
    keep_all(night)
    return night


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


TAKEN = IngestRecord.of(IngestReport({"interactions": TableCounts(4, 1200, 30, {})}, ("a row was odd",)))


def test_night_that_was_published_before_says_so(night: Night) -> None:
    done = finish(night)
    report = already_decided(done, TAKEN)
    assert (report["status"], report["release_id"]) == ("already published", done.release_id)
    assert report["as_of"] == MONDAY.isoformat()
    assert (report["rows"], report["warnings"]) == (dict(TAKEN.rows), ["a row was odd"])
    assert f"{done.release_id} was already published" in report["sentence"]
    backfilled = already_decided(done.model_copy(update={"status": "backfilled"}), TAKEN)
    assert f"{done.release_id} was already backfilled" in backfilled["sentence"]


def test_night_that_changes_nothing_names_the_release_that_stays_and_its_own_t(night: Night) -> None:
    done = finish(night)
    report = already_decided(Unchanged(done, TUESDAY), TAKEN)
    assert (report["status"], report["release_id"]) == ("unchanged", done.release_id)
    assert report["as_of"] == TUESDAY.isoformat()
    assert (report["rows"], report["warnings"]) == (dict(TAKEN.rows), ["a row was odd"])
    assert report["sentence"] == f"nothing but T has changed since release {done.release_id}, which stays current"


def test_page_of_a_night_that_did_not_run_says_what_came_and_was_left_out(night: Night) -> None:
    page = in_markdown(already_decided(Unchanged(finish(night), TUESDAY), TAKEN)).splitlines()
    assert page[0].startswith("# unchanged: ")
    assert {f"- T: {TUESDAY.isoformat()}", "- note: a row was odd"} <= {*page}
    assert any(line.startswith("| interactions | ") for line in page)


def test_backfilled_release_says_so(night: Night) -> None:
    release(night, offer(night, 1, "ease"))
    late = replace(night, late=True, moves_pointer=False)
    report = night_report(late, CAME, published("x", "backfilled"))
    assert report["status"] == "backfilled"


def test_report_gathers_what_the_stages_found(night: Night) -> None:
    release(night, offer(night, 1, "ease"))
    report = night_report(night, CAME, published(night.identity.release_id))
    assert (report["status"], report["release_id"]) == ("published", night.identity.release_id)
    assert (report["dataset"], report["protocol"]) == ("learning", "temporal-user")
    assert report["warnings"] == ["weaker", "ease: sparse, with everything"]
    assert report["gates"] == [asdict(LEARNABLE), asdict(COVERAGE)]
    assert report["signals"] == [dict(row) for row in example(PrepareRecord).signals]
    assert report["freshness"] == example(RecommendRecord).freshness
    assert report["failures"] == {"svd": "no"}
    assert report["trials"] == {"ease": 2, "ials": 1}
    assert report["learner"]["user_id"] == 1


class Further(StageRecord):
    """A stage that is not in the product."""

    stage: ClassVar[str] = "further"

    share: float

    def measured(self) -> Mapping[str, float | None]:
        return {"share of places": self.share}


def test_figures_of_any_declared_stage_are_in_the_report(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.night.night.STAGES", (*STAGES, Further))
    keep(night, Further(share=0.125))
    report = night_report(night, CAME, published(None))
    assert report["measured"]["further"] == {"share of places": 0.125}
    lines = in_markdown(report).splitlines()
    assert lines[lines.index("## Measured by the stage further") + 4] == "| share of places | 0.1250 |"


def test_the_picture_of_the_curve_comes_with_the_summary(night: Night) -> None:
    page = in_markdown(night_report(night, CAME, published(None)), "data:image/svg+xml;base64,AAAA")
    assert "\n\n![Quality over α](data:image/svg+xml;base64,AAAA)\n\n## Rows\n" in page


def test_dry_run_has_no_release_and_no_learner(night: Night) -> None:
    report = night_report(night, CAME, published(None))
    assert (report["status"], report["release_id"], report["learner"]) == ("dry run", None, None)


def test_learner_has_a_list_of_their_own_and_its_reasons(night: Night) -> None:
    release(night, offer(night, 1, "ease"), offer(night, 2, "audience"))
    learner = sample_user(night)
    assert learner["user_id"] == 1
    assert [(row["item_id"], row["title"]) for row in learner["history"]] == [(7, "x"), (7, "x")]
    assert [(row["item_id"], row["title"], row["why"]) for row in learner["items"]] == [(8, "y", "because of x")]


def test_without_a_personal_list_there_is_no_learner(night: Night) -> None:
    release(night, offer(night, 1, "audience"), offer(night, 2, "audience"))
    assert sample_user(night) == {"user_id": None, "history": [], "items": []}


def test_page_says_what_happened(night: Night) -> None:
    release(night, offer(night, 1, "ease"))
    keep(night, example(ValidateRecord, warnings=("odd",)))
    page = in_markdown(night_report(night, CAME, published(night.identity.release_id)))
    assert page.startswith(f"# published: {night.identity.release_id}\n\nease is better than popularity\n")
    release_page = f"http://127.0.0.1:8000/operator?releases=all#release-{night.identity.release_id}"
    assert f"\n[The release]({release_page}), [the night in MLflow](http://127.0.0.1:5000/#/runs/" in page
    for line in (
        f"- T: {MONDAY.isoformat()}",
        "- α = 0.5 is best on validation with ndcg@10 0.3100",
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
    assert {4, 5, 6, 8} <= widths <= {3, 4, 5, 6, 8}  # three where a stage has figures of its own


def test_page_of_a_dry_run_bears_the_datasets_name(night: Night) -> None:
    assert in_markdown(night_report(night, CAME, published(None))).startswith("# dry run: learning\n")
    assert publish(night).status == "published"
