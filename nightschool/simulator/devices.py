"""Devices of simulated engagements: each user's habit, and how well an item's type suits a device."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import USER_ID
from nightschool.contract import Float32s
from nightschool.simulator.sampling import Weights, codes, draw_from_rows, labels
from nightschool.simulator.vocabulary import CONTENT_ID, TYPE, TYPES

DEVICE: Final = "device"
DEVICES: Final = ("desktop", "mobile", "tablet")

# How well a type suits desktop, mobile, tablet; set once, and no model's results may change it.
TYPE_DEVICES: Final[Mapping[str, tuple[float, ...]]] = {
    "Video": (1.0, 0.6, 2.0),
    "Article": (0.5, 2.0, 1.0),
    "Interactive Quiz": (0.3, 3.0, 1.0),
    "Case Study": (4.0, 0.2, 0.6),
}
SHARES: Final = (0.5, 0.35, 0.15)
"""Mean share of each device in the users' habits."""
HABIT: Final = 4.0
"""How closely users follow those shares: concentration of their own habits around them."""


def draw_habits(n_users: int, rng: np.random.Generator) -> Float32s:
    """Draw each user's share of devices, float32 [n_users, n_devices]."""
    habits: Float32s = rng.dirichlet(HABIT * np.array(SHARES), n_users).astype(np.float32)
    return habits


def suitability(content: pl.DataFrame) -> Weights:
    """Return how well each item suits each device by its type, float64 [n_items, n_devices]."""
    return np.array([TYPE_DEVICES[name] for name in TYPES])[codes(content[TYPE], TYPES)]


def with_devices(
    log: pl.DataFrame, habits: Float32s, suits: Weights, content: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Add the device of each engagement; what was engaged with, when and by whom stays as it is.

    User u engages with item i on device d with a probability in proportion to habits[u, d] · suits[i, d].

    Args:
        log: user_id and content_id, which count from 1.
        habits: float32 [n_users, n_devices].
        suits: float64 [n_items, n_devices], equal for items of one type.
        content: The items' types, in the order of content_id.
        rng: A stream that nothing else draws from.
    """
    types = codes(content[TYPE], TYPES)
    of_types = np.ones((len(TYPES), len(DEVICES)))
    of_types[types] = suits
    weights = (habits[:, None, :] * of_types).reshape(-1, len(DEVICES))
    rows = (log[USER_ID].to_numpy() - 1) * len(TYPES) + types[log[CONTENT_ID].to_numpy() - 1]
    return log.with_columns(labels(DEVICES, draw_from_rows(weights, rows.astype(np.int32), rng)).alias(DEVICE))
