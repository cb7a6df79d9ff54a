from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from nightschool.errors import Busy, Conflict
from nightschool.experiments.layers import Ranges, free_ranges, require_independent, settings_of
from nightschool.experiments.plan import Experiment, Plan

CONTROL = {"name": "a", "share": 0.5}


def plan(name: str = "new", second: dict[str, Any] | None = None, **more: Any) -> Plan:
    return Plan.model_validate({"name": name, "arms": [CONTROL, {"name": "b", "share": 0.5, **(second or {})}], **more})


def running(ranges: Ranges, name: str = "old", second: dict[str, Any] | None = None, **more: Any) -> Experiment:
    told = plan(name, second, **more).model_dump()
    return Experiment(**told, salt="s", ranges=ranges, started_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("taken", "share", "expected"),
    [
        ((), 1.0, ((0.0, 1.0),)),
        ((), 0.2, ((0.0, 0.2),)),
        (((0.0, 0.4),), 0.6, ((0.4, 1.0),)),
        (((0.2, 0.3), (0.5, 0.9)), 0.3, ((0.0, 0.2), (0.3, 0.4))),
        (((0.2, 0.3), (0.5, 0.9)), 0.5, ((0.0, 0.2), (0.3, 0.5), (0.9, 1.0))),
    ],
)
def test_a_plan_takes_the_first_free_parts_of_its_layer(taken: Ranges, share: float, expected: Ranges) -> None:
    others = [running((part,), f"old{n}") for n, part in enumerate(taken)]
    found = free_ranges(plan(share=share), others)
    assert np.array(found) == pytest.approx(np.array(expected))
    assert free_ranges(plan(share=share, layer="other"), others) == ((0.0, share),)


def test_three_thirds_fill_a_layer() -> None:
    third = 1 / 3
    others = [running(free_ranges(plan(share=third), []), "one", share=third)]
    others.append(running(free_ranges(plan(share=third), others), "two", share=third))
    ((start, end),) = free_ranges(plan(share=third), others)
    assert (start, end) == (pytest.approx(2 * third), 1.0)


def test_a_layer_that_is_full_names_who_has_it() -> None:
    others = [running(((0.0, 0.5),), "one", share=0.5), running(((0.5, 0.9),), "two", share=0.4)]
    with pytest.raises(Busy, match=r"layer default has not enough users left; saw 'one \(50%\), two \(40%\)'"):
        free_ranges(plan(share=0.2), others)


@pytest.mark.parametrize(
    ("mine", "theirs", "both"),
    [
        ({"alpha": 0.2}, {"rules": {"alpha": 0.3}}, "alpha"),
        ({"rules": {"quota": 1, "boost": {}}}, {"rules": {"quota": 2}, "alpha": 0.1}, "quota"),
    ],
)
def test_two_layers_must_not_set_the_same_in_the_same_lists(
    mine: dict[str, Any], theirs: dict[str, Any], both: str
) -> None:
    other = running(((0.0, 1.0),), second=theirs, layer="other")
    with pytest.raises(Conflict, match=f"saw '{both}: set by old'"):
        require_independent(plan(second=mine), [other])
    require_independent(plan(second=mine, layer="other"), [other])
    elsewhere = running(((0.0, 1.0),), second=theirs, layer="other", scenarios=("home",))
    require_independent(plan(second=mine, scenarios=("", "below")), [elsewhere])
    with pytest.raises(Conflict):
        require_independent(plan(second=mine, scenarios=("home", "below")), [elsewhere])
    with pytest.raises(Conflict):
        require_independent(plan(second=mine), [elsewhere])


def test_a_plan_sets_what_its_arms_name_and_whether_it_explores() -> None:
    assert settings_of(plan()) == set()
    assert settings_of(plan(second={"alpha": 0.2, "rules": {"quota": 1}}, explore=0.1)) == {"alpha", "quota", "explore"}
