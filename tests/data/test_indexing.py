import polars as pl

from nightschool.columns import ITEM_ID, USER_ID
from nightschool.data.indexing import EVENTS, index_events, index_ids, with_contexts
from nightschool.data.signals import Signal, score_events
from tests.data.logs import as_ingested

IMPLICIT = Signal(mode="implicit")
ROWS = as_ingested(pl.DataFrame({USER_ID: [1, 2, 1], ITEM_ID: [7, 7, 8], "device": ["phone", None, "desk"]}))


def test_a_context_that_the_table_lacks_is_null() -> None:
    rows = with_contexts(ROWS.lazy(), ("device", "place")).collect()
    assert rows["device"].to_list() == ["phone", None, "desk"]
    assert rows["place"].to_list() == [None, None, None]


def test_events_keep_their_contexts_beside_their_indices() -> None:
    rows = with_contexts(ROWS.lazy(), ("device",)).collect()
    users, items = index_ids(None, rows[USER_ID], USER_ID), index_ids(None, rows[ITEM_ID], ITEM_ID)
    events = index_events(score_events(rows, IMPLICIT), users[USER_ID], items[ITEM_ID], ("device",))
    assert events.columns == [*EVENTS, "device"]
    assert users[USER_ID].gather(events["user_index"]).to_list() == [1, 2, 1]
    assert items[ITEM_ID].gather(events["item_index"]).to_list() == [7, 7, 8]
