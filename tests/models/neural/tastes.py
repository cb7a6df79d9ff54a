"""What tests of networks on `two_tastes` share."""

from typing import Final

import numpy as np

from models.base import Model

REFUSES: Final = {"only dislikes": "needs likes"}


def share_of_own_taste(model: Model) -> float:
    """Return the share of the three best unseen items, of users with one taste, that are of their taste."""
    scores = model.score(np.arange(40, dtype=np.int32))[:, :20]
    scores[model.known.history[:40][:, :20].nonzero()] = -np.inf
    best = np.argsort(-scores, axis=1)[:, :3]
    return float((best // 10 == np.arange(40)[:, None] % 2).mean())
