import numpy as np
import polars as pl
import pytest

from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits import splitting
from nightschool.data.splits.rotating import ValidationCuts
from nightschool.data.splits.splitting import Window, choose_cut, named_cut, validation_split
from tests.data.logs import day, log_of

PROTOCOLS = ("temporal-user", "leave-last", "random-user", "stratified-item")


def steady(users: int = 6, days: int = 40) -> EventLog:
    """Every user meets a new item every day, at noon; each item is met by every user."""
    return log_of([(user, (number + user) % days, number + 0.5) for number in range(days) for user in range(users)])


def pairs(frame: pl.DataFrame) -> set[tuple[int, int]]:
    return {*frame.select(USER_INDEX, ITEM_INDEX).iter_rows()}


def temporal() -> tuple[EventLog, ValidationCuts]:
    log = steady()
    cut = choose_cut(log, seed=0, window=Window(days=4, min_users=2, max_test_share=0.5))
    assert (cut.protocol, cut.validation_from, cut.test_from) == ("temporal", day(31.5), day(35.5))
    return log, ValidationCuts(log, cut, seed=0)


def times(split: Split) -> tuple[float, float, float]:
    """The last day that is learned from, and the first and last that are held out."""
    learned, held = split.fitted.interactions[TIMESTAMP], split.held_out[TIMESTAMP]
    return tuple((one - day(0)).total_seconds() / 86_400 for one in (learned.max(), held.min(), held.max()))


def test_windows_follow_each_other_backwards_and_each_learns_from_what_was_before() -> None:
    _, cuts = temporal()
    assert [times(split) for split in cuts] == [
        (31.5, 32.5, 35.5),
        (27.5, 28.5, 31.5),
        (23.5, 24.5, 27.5),
        (19.5, 20.5, 23.5),
    ]


def test_a_window_that_leaves_less_than_half_to_learn_from_is_none() -> None:
    log = steady(days=10)
    cut = choose_cut(log, seed=0, window=Window(days=2, min_users=2, max_test_share=0.5))
    assert len(ValidationCuts(log, cut, seed=0)) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_first_cut_is_the_nights_validation_and_none_holds_a_test_pair(protocol: str) -> None:
    log = steady()
    cut = named_cut(log, protocol, seed=1, window=Window(days=1, min_users=2))
    cuts, tested = ValidationCuts(log, cut, seed=1), pairs(splitting.test_split(log, cut).held_out)
    assert len(cuts) > 2
    assert pairs(cuts[0].held_out) == pairs(validation_split(log, cut).held_out)
    for split in cuts:
        learned, held = pairs(split.fitted.interactions), pairs(split.held_out)
        assert held
        assert not tested & (learned | held)
        assert not learned & held


@pytest.mark.parametrize("protocol", PROTOCOLS[:2])
def test_cuts_of_each_user_hold_out_what_the_cut_before_learned_last(protocol: str) -> None:
    log = steady()
    cuts = ValidationCuts(log, named_cut(log, protocol, seed=1, window=Window(min_users=2)), seed=1)
    for earlier, later in zip(cuts[1:], cuts[:-1], strict=True):
        assert pairs(earlier.fitted.interactions) | pairs(earlier.held_out) == pairs(later.fitted.interactions)
        assert earlier.held_out[TIMESTAMP].min() > earlier.fitted.interactions[TIMESTAMP].max()


@pytest.mark.parametrize("protocol", PROTOCOLS[2:])
def test_drawn_cuts_differ_and_hold_out_as_much(protocol: str) -> None:
    log = steady()
    cuts = ValidationCuts(log, named_cut(log, protocol, seed=1, window=Window(min_users=2)), seed=1)
    held = [pairs(split.held_out) for split in cuts]
    assert len(held) == len({frozenset(one) for one in held}) == 8
    assert np.ptp([len(one) for one in held]) <= 1
    assert pairs(ValidationCuts(log, named_cut(log, protocol, seed=1), seed=1)[3].held_out) == held[3]


def test_places_count_from_either_end_and_beyond_them_there_is_none() -> None:
    _, cuts = temporal()
    assert times(cuts[-1]) == times(cuts[3])
    with pytest.raises(IndexError):
        cuts[4]
