from datetime import UTC, datetime

import polars as pl
import pytest

from expectations.validation import SUITES, check_batch, check_intake, check_rows
from nightschool.columns import INTERACTIONS
from nightschool.data.limits import Limits
from nightschool.errors import DataRefused, NightschoolError

LIMITS = Limits(datetime(2026, 1, 1, tzinfo=UTC), rating=(1, 5))
ROWS = INTERACTIONS.schema(user_id=pl.Int64(), item_id=pl.Int64()).to_frame()


def interactions(**columns: list) -> pl.DataFrame:
    return pl.concat([ROWS, pl.DataFrame(columns, strict=False)], how="diagonal_relaxed")


def test_first_rule_broken_gives_the_reason():
    frame = interactions(user_id=[1, None, 3], item_id=[1, 1, 1], rating=[9.0, 9.0, 4.0])
    assert check_rows("interactions", frame, LIMITS).rows() == [
        (1, "missing_user", None),
        (0, "rating_out_of_range", "9.0"),
    ]


def test_no_finding_is_an_empty_frame_of_the_same_shape():
    found = check_rows("interactions", interactions(user_id=[1], item_id=[1]), LIMITS)
    assert found.schema == {"row_number": pl.Int64, "reason": pl.String, "detail": pl.String}
    assert found.height == 0


def test_frame_without_rows_has_no_findings():
    assert check_rows("interactions", ROWS, LIMITS).height == 0


def test_frame_is_left_as_it_was():
    frame = interactions(user_id=[1, None], item_id=[1, 1])
    before = frame.clone()
    check_rows("interactions", frame, LIMITS)
    assert frame.equals(before)


def test_failed_batch_is_refused_with_its_reasons():
    frame = interactions(user_id=[1, None, 3], item_id=[1, 1, 1], rating=[9.0, 9.0, 4.0])
    report = check_batch("interactions", frame, LIMITS)
    assert not report.passed
    with pytest.raises(
        DataRefused, match=r"missing_user \(1 of 3 rows\), rating_out_of_range \(2 of 3 rows\)"
    ) as error:
        report.raise_if_failed()
    assert error.value.exit_code == 3


def test_good_batch_is_not_refused():
    check_intake("users", pl.Series([None], dtype=pl.String)).raise_if_failed()


@pytest.mark.parametrize("table", SUITES)
def test_check_that_breaks_is_no_verdict_on_the_data(table):
    with pytest.raises(NightschoolError, match="broke, which says nothing about the data") as error:
        check_batch(table, pl.DataFrame({"other": [1]}), LIMITS)
    assert not isinstance(error.value, DataRefused)
    assert error.value.exit_code == 1


def test_check_that_breaks_on_odd_values_is_no_verdict_either():
    frame = interactions(user_id=[1], item_id=[1]).with_columns(rating=pl.lit("four"))
    with pytest.raises(NightschoolError, match=r"between\(rating\) broke") as error:
        check_rows("interactions", frame, LIMITS)
    assert not isinstance(error.value, DataRefused)
