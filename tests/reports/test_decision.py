from datetime import UTC, datetime

import polars as pl
import pytest

from nightschool.reports.decision import decision_section, published
from nightschool.storage.release import ON_TEST, Release
from tests.reports.frames import metrics

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
MEASURED = metrics(
    [
        ("test", "challenger", "all", 0.3, 0.29, 0.31),
        ("test", "champion", "all", 0.2, 0.19, 0.21),
        ("test", "popularity", "all", 0.1, 0.09, 0.11),
        ("validation", "ease", "all", 0.9, 0.8, 1.0),
    ]
)


def release(decision: str, status: str = "published", *, passed: bool = True) -> Release:
    asked = [{"name": "learnable", "passed": passed, "seen": "+0.1", "demanded": "> 0"}]
    return Release(
        release_id="2024-01-01-aaaaaaaa",
        as_of=MONDAY,
        created_at=MONDAY,
        status=status,
        commit_version=1,
        gates={"decision": decision, "asked": asked},
        reason="a gate said no",
    )


SEEN = "Users see its lists now, or saw them until a later release came."
REACHES = "On a scale where 1 puts what users chose next at the top of every list, its lists reach "


@pytest.mark.parametrize(
    ("decision", "first", "reached"),
    [
        (
            "promoted",
            "Tonight's recipe replaces the one before: it was shown better on held-out choices.",
            "0.3000 [0.2900, 0.3100], 3.0 times as much as popular items alone.",
        ),
        (
            "kept",
            "The recipe of before stays, trained anew on tonight's data: nothing was shown better on held-out choices.",
            "0.2000 [0.1900, 0.2100], 2.0 times as much as popular items alone.",
        ),
        (
            "first",
            "This is the first release: its recipe was shown better than popularity on held-out choices.",
            "0.3000 [0.2900, 0.3100], 3.0 times as much as popular items alone.",
        ),
        (
            "popularity",
            "Popular items are published: no personal recipe was shown better than them.",
            "0.1000 [0.0900, 0.1100], 1.0 times as much as popular items alone.",
        ),
        (
            "unproved",
            "The recipe that validation chose is published unproved: there are too few users to show a difference.",
            "0.3000 [0.2900, 0.3100], 3.0 times as much as popular items alone.",
        ),
    ],
)
def test_a_manager_reads_what_was_decided(decision: str, first: str, reached: str) -> None:
    lead = decision_section(release(decision), MEASURED).lead
    assert lead == [first, SEEN, REACHES + reached, "No check asks for attention."]


@pytest.mark.parametrize(
    ("status", "second"),
    [
        ("backfilled", "It was made for a day in the past, is stored beside the others, and was never shown to users."),
        ("refused", "Nothing was published, and users see the lists of the release before, if there is one."),
        ("abandoned", "Its status is abandoned."),
    ],
)
def test_what_users_see_is_said(status: str, second: str) -> None:
    assert decision_section(release("first", status), MEASURED).lead[1] == second


def test_what_was_refused_is_not_said_to_be_better() -> None:
    lead = decision_section(release("promoted", "refused", passed=False), MEASURED[:0]).lead
    assert lead == [
        "New lists were made and thrown away: a check of them said no.",
        "Nothing was published, and users see the lists of the release before, if there is one.",
        "Look at: learnable.",
    ]


def test_segments_of_few_users_are_withheld() -> None:
    rows = [("test", "challenger", segment, 0.3, 0.2, 0.4) for segment in ("all", "activity:new", "activity:power")]
    measured = metrics(rows).with_columns(n_users=pl.Series([3, 19, 20]))
    assert published(release("promoted"), measured)["segment"].to_list() == ["all", "activity:power"]


def test_a_check_that_failed_is_named() -> None:
    section = decision_section(release("", passed=False), MEASURED[:0])
    assert section.lead == ["A gate said no.", SEEN, "Look at: learnable."]
    assert section.tables[1].rows == [("learnable", "NO", "+0.1", "> 0")]


def test_the_figures_are_those_of_the_recipe_that_is_published() -> None:
    assert published(release("kept"), MEASURED)["value"].to_list() == [0.2]
    assert published(release("promoted"), MEASURED)["value"].to_list() == [0.3]


def test_where_popular_items_reach_nothing_there_is_no_ratio() -> None:
    measured = metrics([("test", "challenger", "all", 0.3, 0.29, 0.31), ("test", "popularity", "all", 0.0, 0.0, 0.0)])
    lead = decision_section(release("first"), measured).lead
    assert lead[2].endswith("its lists reach 0.3000 [0.2900, 0.3100], and popular items alone 0.")


def test_a_refused_release_has_no_rows_and_tells_its_figures_from_its_gates() -> None:
    refused = release("promoted", "refused", passed=False)
    stored = {"challenger": (0.3, 0.29, 0.31), "champion": (None, None, None), "popularity": (0.1, 0.09, 0.11)}
    section = decision_section(refused.model_copy(update={"gates": {**refused.gates, ON_TEST: stored}}), MEASURED[:0])
    assert REACHES + "0.3000 [0.2900, 0.3100], 3.0 times as much as popular items alone." in section.lead
    figures = [
        ("what was tried tonight", "0.3000", "0.2900 – 0.3100"),
        ("the same popular items for everyone", "0.1000", "0.0900 – 0.1100"),
    ]
    assert [*section.tables[0].rows] == figures
