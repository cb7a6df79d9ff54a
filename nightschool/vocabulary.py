"""Codes in stored tables that the night, the command line and the server share."""

from typing import Final

EVERYONE: Final = "everyone"
"""The audience of all users."""

BECAUSE_OF_ITEM: Final = "because_of_item"
SIMILAR_CONTENT: Final = "similar_content"
WHOLE_HISTORY: Final = "whole_history"
POPULAR: Final = "popular"
POPULAR_IN_AUDIENCE: Final = "audience"
RANDOM: Final = "random"
PINNED: Final = "pinned"
"""Why an item is in a list; `random` only in lists that an experiment mixes, `pinned` where an operator put it."""

CONTENT: Final = "content"
CO_OCCURRENCE: Final = "co_occurrence"
AUDIENCE_LIST: Final = "audience"
POPULARITY: Final = "popularity"
"""Sources of an entry: the content model, co-occurrence weights in place of a model without weights, an audience's
list, the number of users; else a model's name."""

HOUR: Final = "hour"
WEEKDAY: Final = "weekday"
TIME_CONTEXTS: Final = (HOUR, WEEKDAY)
"""Contexts of every dataset with times; further ones are columns that its manifest declares."""

ACTIVITY_SEGMENTS: Final = {"cold": 0, "new": 1, "casual": 5, "regular": 20, "power": 100}
"""Segments of users, each with the fewest user-item pairs of its members."""


def reason_in_words(reason: str, because: str | None, user: str) -> str:
    """Return a reason in words.

    Args:
        reason: A code of this module; an unknown one reads as `popular`.
        because: The title of the item that the entry follows from; None without one.
        user: How the reader names the user, "you" or "them".
    """
    if because is not None:
        return f"similar to {because}" if reason == SIMILAR_CONTENT else f"because of {because}"
    if reason == RANDOM:
        return "something different"
    if reason == PINNED:
        return "pinned here by the operator"
    if reason == WHOLE_HISTORY:
        return f"fits {'your' if user == 'you' else 'their'} history as a whole"
    return f"popular with people like {user}" if reason == POPULAR_IN_AUDIENCE else "popular with everyone"
