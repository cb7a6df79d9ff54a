from typing import Any

import polars as pl

from expectations.engine import validate
from expectations.rules import between, filled


def success(rule: Any, values: list[Any]) -> bool:
    return validate(pl.DataFrame({"a": values}), [rule])[0].success


def test_filled_needs_every_value() -> None:
    assert success(filled("a", "missing"), [1, 2])
    assert not success(filled("a", "missing"), [1, None])


def test_bounds_are_included_and_missing_values_are_no_matter() -> None:
    assert success(between("a", "range", 1, 2), [1, 2, None])
    assert not success(between("a", "range", low=1), [0])
    assert not success(between("a", "range", high=2), [3])


def test_what_is_told_goes_into_the_meta_and_the_rest_is_a_setting() -> None:
    rule = between("a", "range", high=2, seen="{a}", measured="b", severity="warning")
    assert rule.meta == {"reason": "range", "seen": "{a}", "measured": "b"}
    assert rule.severity == "warning"
