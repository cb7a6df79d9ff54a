import polars as pl
import pytest

from nightschool.columns import ALWAYS, AVAILABLE_AT, ITEM_ID, ITEM_INDEX, TIMESTAMP
from nightschool.data.build_log import build_event_log, first_uses, header_of, with_availability
from nightschool.errors import DataRefused
from tests.data.logs import IMPLICIT, day, frame_of, log_of


def test_an_item_is_available_from_its_first_event_or_its_table_whichever_came_first() -> None:
    log = log_of([(1, 7, 3.0), (2, 7, 1.0), (1, 8, None)])
    uses = first_uses(log.events).sort(ITEM_INDEX)
    firsts = dict(zip(log.empty.item_ids.gather(uses[ITEM_INDEX]), uses[TIMESTAMP], strict=True))
    assert firsts == {7: day(1), 8: ALWAYS}
    declared = pl.DataFrame({ITEM_ID: log.empty.item_ids, AVAILABLE_AT: [day(0), None]})
    placed = with_availability(declared, uses, declared=declared)
    assert placed[AVAILABLE_AT][0] == min(day(0), firsts[declared[ITEM_ID][0]])
    assert placed[AVAILABLE_AT][1] is None  # in no declared catalogue


def test_the_header_says_what_is_true_of_all_events() -> None:
    header = header_of(IMPLICIT, None, None, n_given=3)
    assert (header.signal.mode, header.audience, header.n_given, header.ordered) == ("implicit", None, 3, False)


def test_nothing_known_is_refused() -> None:
    with pytest.raises(DataRefused, match="No interactions are known"):
        build_event_log(None, None, frame_of([(1, 1, 1.0)]).clear(), IMPLICIT)
