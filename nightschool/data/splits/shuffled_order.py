"""The control of every model of order: the same histories, in no order."""

from dataclasses import replace

import numpy as np

from nightschool.columns import POSITION, TIMESTAMP, USER_INDEX
from nightschool.contract import Split


def with_shuffled_order(split: Split, seed: int) -> Split:
    """Exchange the times and positions of each user's fitted interactions at random; what is held out stays."""
    pairs = split.fitted.interactions
    order = np.lexsort((np.random.default_rng(seed).random(pairs.height), pairs[USER_INDEX].to_numpy()))
    moved = [pairs[name].gather(order) for name in (TIMESTAMP, POSITION) if name in pairs.columns]
    return replace(split, fitted=replace(split.fitted, interactions=pairs.with_columns(moved)))
