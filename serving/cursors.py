"""Cursors of lists: what earlier pages showed, so that no later page shows it again, whatever changes meanwhile."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from nightschool.errors import ConfigurationError

MARK_BYTES: Final = 6
"""Bytes of an item's mark: two of a million items share one with a chance of 1 in 500."""


@lru_cache(maxsize=100_000)
def mark(item_id: object) -> bytes:
    """Return the mark of an item, which does not depend on the release; those of the latest items are remembered."""
    return blake2b(str(item_id).encode(errors="surrogatepass"), digest_size=MARK_BYTES).digest()


def encode_cursor(shown: bytes, item_ids: Iterable[object]) -> str:
    """Return the cursor of the page after the one with these items.

    Args:
        shown: The marks of the pages before that one.
        item_ids: The items of that page.
    """
    return urlsafe_b64encode(shown + b"".join(map(mark, item_ids))).decode().rstrip("=")


def decode_cursor(cursor: str) -> bytes:
    """Return the marks of all items that were shown, one after the other.

    Raises:
        ConfigurationError: It is no cursor of ours.
    """
    try:
        shown = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, Error):
        shown = b"?"
    if len(shown) % MARK_BYTES or not shown:
        do = "take it from `next` of the page before"
        raise ConfigurationError("the cursor `after` is none of ours", seen=cursor[:40], do=do)
    return shown
