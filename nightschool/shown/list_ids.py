"""Ids of lists: a hash of what a list is, with a check that an installation made it, and for whom."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from typing import Final
from zlib import crc32

_DIGEST_BYTES: Final = 11
_CHECK_BYTES: Final = 4
LENGTH: Final = 4 * (_DIGEST_BYTES + _CHECK_BYTES) // 3
"""Characters of an id."""


def make_list_id(content: bytes, user_id: str | None, installation: str) -> str:
    """Return the id of a list; the same list has the same id wherever it is made.

    Args:
        content: All that the list is.
        user_id: Whose it is; None for a session.
        installation: The name of the home's data set.
    """
    digest = sha256(content).digest()[:_DIGEST_BYTES]
    return urlsafe_b64encode(digest + _check(digest, user_id, installation)).decode()


def is_list_of(list_id: str, user_id: str | None, installation: str) -> bool:
    """Return whether an id can be one of a list that an installation made for a user.

    Whether the list was ever made only the database knows: a checksum tells mistakes, not forgers.

    Args:
        list_id: The id as it was given.
        user_id: Whose it must be; None: no user's, but a session's.
        installation: The name of the home's data set.
    """
    try:
        found = urlsafe_b64decode(list_id.encode()) if len(list_id) == LENGTH else b""
    except (ValueError, Error):
        return False
    digest, check = found[:_DIGEST_BYTES], found[_DIGEST_BYTES:]
    return check == _check(digest, user_id, installation) and urlsafe_b64encode(found).decode() == list_id


def _check(digest: bytes, user_id: str | None, installation: str) -> bytes:
    whose = installation if user_id is None else f"{installation}\0{user_id}"
    return crc32(digest + whose.encode(errors="surrogatepass")).to_bytes(_CHECK_BYTES)
