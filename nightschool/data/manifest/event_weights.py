"""Default weights of event types, which a manifest can override."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LEARNING_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"view": 1.0, "click": 5.0, "enroll": 10.0, "like": 10.0, "complete": 10.0, "dislike": -5.0, "hide": -10.0}
)
"""Events on learning content, including those of the service."""

SHOP_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("cart", "add_to_cart", "addtocart"), 5.0),
        **dict.fromkeys(("purchase", "transaction", "buy", "order"), 10.0),
    }
)
"""Events in a shop: buying weighs more than putting into a cart."""

EVENT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType({**LEARNING_WEIGHTS, **SHOP_WEIGHTS})
"""All default weights; rows with an event type without a weight go to quarantine."""

_WORDS: Final = (
    (-10.0, ("hide", "unenrol", "refund", "unsubscribe")),
    (-5.0, ("dislike", "downvote", "unlike", "skip", "remove", "return", "cancel")),
    (1.0, ("view", "open", "impression", "display")),
    (10.0, ("enrol", "purchase", "transaction", "buy", "complete", "finish", "pass", "subscribe")),
    (5.0, ("click", "like", "favorite", "favourite", "cart", "save", "bookmark", "share", "rate", "start", "download")),
    (10.0, ("order", "checkout")),
    (2.0, ("play", "watch", "submit", "attempt", "answer", "read", "listen")),
)
"""Weights with the words of event types that they suit; the first that fits counts, since dislike holds like."""


def guess_weight(event: str) -> float:
    """Guess the weight of an event type by the words in its name; 1 where they say nothing."""
    name = event.casefold()
    if name in EVENT_WEIGHTS:
        return EVENT_WEIGHTS[name]
    return next((weight for weight, words in _WORDS if any(word in name for word in words)), 1.0)
