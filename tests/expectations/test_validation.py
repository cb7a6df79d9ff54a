from pathlib import Path

import polars as pl
import pytest

from expectations import drift, facts, growth, intake
from expectations.validation import SUITES, check_batch, check_intake, check_rows
from nightschool.columns import INTERACTIONS
from nightschool.errors import DataRefused, NightschoolError
from tests.expectations.suites import LIMITS, frame_of, report_on

BAD = {"user_id": ["1", None, "3"], "item_id": ["a", "b", "c"], "rating": [9.0, 9.0, 4.0]}


def test_no_finding_is_an_empty_frame_of_the_same_shape() -> None:
    found = check_rows("interactions", frame_of(INTERACTIONS, {"user_id": ["1"], "item_id": ["a"]}), LIMITS)
    assert found.schema == {"row_number": pl.Int64, "reason": pl.String, "detail": pl.String}
    assert found.height == 0


def test_frame_without_rows_has_no_findings() -> None:
    assert check_rows("interactions", frame_of(INTERACTIONS, BAD).clear(), LIMITS).height == 0


def test_failed_batch_is_refused_with_its_reasons() -> None:
    report = report_on(INTERACTIONS, {**BAD, "source_file": ["f"] * 3, "source_row": [1, 2, 3]})
    assert not report.passed
    with pytest.raises(
        DataRefused, match=r"missing_user \(1 of 3 rows\), rating_out_of_range \(2 of 3 rows\)"
    ) as error:
        report.raise_if_failed()
    assert error.value.exit_code == 3


def test_batch_streams_from_a_lazy_frame() -> None:
    frame = frame_of(INTERACTIONS, BAD)
    assert check_batch("interactions", frame.lazy(), LIMITS) == check_batch("interactions", frame, LIMITS)


def test_good_batch_is_not_refused() -> None:
    check_intake("users", 1, 0).raise_if_failed()


def test_the_docs_explain_every_code() -> None:
    suites = [*SUITES.values(), drift, growth, intake]
    rules = [rule for suite in suites for rule in suite.batch_rules()]
    rules += [rule for suite in SUITES.values() for rule in suite.row_rules(LIMITS)]
    codes = {rule.meta["reason"] for rule in [*rules, facts.right_types()]}
    page = (Path(__file__).parents[2] / "docs/reference/reason-codes.md").read_text(encoding="utf-8")
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


@pytest.mark.parametrize("table", SUITES)
def test_check_that_breaks_is_no_verdict_on_the_data(table: str) -> None:
    with pytest.raises(NightschoolError, match="broke, which says nothing about the data") as error:
        check_batch(table, pl.DataFrame({"other": [1]}), LIMITS)
    assert not isinstance(error.value, DataRefused)
    assert error.value.exit_code == 1


def test_check_that_breaks_on_odd_values_is_no_verdict_either() -> None:
    frame = frame_of(INTERACTIONS, BAD).with_columns(rating=pl.lit("four"))
    with pytest.raises(NightschoolError, match=r"between\(rating\) broke") as error:
        check_rows("interactions", frame, LIMITS)
    assert not isinstance(error.value, DataRefused)
