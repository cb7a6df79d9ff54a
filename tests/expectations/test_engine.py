import os

import polars as pl
import pytest

from expectations.engine import Column, columns_of, gx, gxe, name_of, validate
from expectations.rules import between, filled
from nightschool.errors import DataRefused, NightschoolError

FRAME = pl.DataFrame({"a": [1, 2, 9], "b": [True, False, None], "c": pl.Series([0.5, 2.5, None], dtype=pl.Float32)})


def test_analytics_are_off() -> None:
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert not gx.get_context(mode="ephemeral").variables.config.analytics_enabled


def test_results_come_in_the_order_of_the_rules() -> None:
    rules = [between("a", "x", high=3), filled("a", "y"), between("c", "z", low=1.0)]
    results = validate(FRAME, rules, result_format="COMPLETE")
    assert [result.expectation_config.meta["reason"] for result in results] == ["x", "y", "z"]
    assert [result.success for result in results] == [False, True, False]
    assert [result.result["unexpected_index_list"] for result in results] == [[2], [], [0]]
    assert name_of(results[0]) == "expect_column_values_to_be_between(a)"


def test_rule_asks_only_of_the_rows_of_its_condition() -> None:
    rule = between("a", "x", high=3, row_condition=(Column("a") <= 2) & (Column("c") > 0))
    assert columns_of(rule) == ["a", "a", "c"]
    assert validate(FRAME, [rule])[0].success


def test_columns_without_a_rule_are_not_looked_at() -> None:
    odd = FRAME.with_columns(pl.lit(b"\xff").alias("bytes"), pl.lit(None).alias("nothing"))
    assert validate(odd, [filled("a", "x")])[0].success


def test_check_that_breaks_is_no_verdict_on_the_data() -> None:
    with pytest.raises(NightschoolError, match=r"between\(a\) broke, which says nothing") as error:
        validate(pl.DataFrame({"a": ["text"]}), [between("a", "x", low=0)])
    assert not isinstance(error.value, DataRefused)
    assert error.value.exit_code == 1


def test_expectations_come_with_the_engine() -> None:
    assert gxe.ExpectColumnValuesToNotBeNull(column="a").column == "a"
