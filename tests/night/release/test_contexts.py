import numpy as np
import pytest

from nightschool.columns import CONTEXT_LIFTS
from nightschool.night.records import ContextualiseRecord
from nightschool.night.release.contexts import context_lifts
from nightschool.night.selection.context_ranking import ContextData
from tests.night.records import example
from tests.night.selection.contexts import planted

RECORD: ContextualiseRecord = example(ContextualiseRecord)
ON = RECORD.contexts[0].model_copy(update={"values": ("desk", "phone")})


def test_the_table_holds_the_lifts_of_the_contexts_that_are_on() -> None:
    dataset = planted(effect=1.0).fitted
    dataset.available[5] = False
    rows = context_lifts(dataset, ("device",), RECORD.model_copy(update={"contexts": (ON, RECORD.contexts[1])}))
    assert rows.columns == [name for name in CONTEXT_LIFTS.columns if name != "release_id"]
    assert rows.equals(rows.sort(CONTEXT_LIFTS.key))
    assert rows["context"].unique().to_list() == ["device"]
    assert 105 not in rows["item_id"]
    counts = ContextData(dataset, ("device",), "UTC").counts("device")
    lifts = counts.lifts(30.0)
    for value, item, lift, support in rows.select("value", "item_id", "lift", "support").iter_rows():
        place = ON.values.index(value), item - 100
        assert lift == pytest.approx(lifts[place])
        assert support == (counts.seen[place] if counts.seen[place] >= 3 else 0)
    odd = rows.filter(value="phone")["item_id"].to_numpy() % 2
    assert np.array_equal(rows.filter(value="phone")["lift"].to_numpy() > 0, odd == 1)


def test_without_contexts_the_table_is_empty() -> None:
    dataset = planted(effect=1.0).fitted
    rows = context_lifts(dataset, ("device",), RECORD.model_copy(update={"contexts": RECORD.contexts[1:]}))
    assert rows.is_empty()
    assert rows["item_id"].dtype == dataset.item_ids.dtype
