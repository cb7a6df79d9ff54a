import numpy as np

from nightschool.columns import POSITION, TIMESTAMP, USER_INDEX
from nightschool.data.splits import splitting
from nightschool.data.splits.shuffled_order import with_shuffled_order
from tests.data.logs import log_of

LOG = log_of([(user, item, user + item % 7) for user in range(5) for item in range(20)])


def test_each_user_keeps_their_items_and_times_and_loses_their_order() -> None:
    split = splitting.test_split(LOG, splitting.named_cut(LOG, "leave-one-out", seed=0))
    shuffled = with_shuffled_order(split, seed=3)
    before, after = split.fitted.interactions, shuffled.fitted.interactions
    assert after.drop(TIMESTAMP, POSITION).equals(before.drop(TIMESTAMP, POSITION))
    for name in (TIMESTAMP, POSITION):
        owned = [frame.select(USER_INDEX, name).sort(USER_INDEX, name) for frame in (before, after)]
        assert owned[0].equals(owned[1])
    assert split.fitted.places is not None
    assert np.mean(split.fitted.places == shuffled.fitted.places) < 0.2
    assert shuffled.held_out.equals(split.held_out)
    assert with_shuffled_order(split, seed=3).fitted.interactions.equals(after)
    assert not with_shuffled_order(split, seed=4).fitted.interactions.equals(after)
