"""Ids of lists: a hash of what a list is, with a check that an installation made it, and for whom."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import blake2b
from typing import Final

_DIGEST_BYTES: Final = 12
_CHECK_BYTES: Final = 6
LENGTH: Final = 4 * (_DIGEST_BYTES + _CHECK_BYTES) // 3
"""Characters of an id."""


def make_list_id(content: bytes, user_id: str | None, installation: str) -> str:
    """Return the id of a list; the same list has the same id wherever it is made.

    Args:
        content: All that the list is.
        user_id: Whose it is; None for a session.
        installation: The name of the home's data set.
    """
    digest = blake2b(content, digest_size=_DIGEST_BYTES).digest()
    return urlsafe_b64encode(digest + _check(digest, user_id, installation)).decode()


def is_list_of(list_id: str, user_id: str | None, installation: str) -> bool:
    """Return whether an id can be one of a list that an installation made for a user.

    Whether the list was ever made only the database knows: a check of six bytes tells mistakes, not forgers.

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
    whose = "" if user_id is None else f"user {user_id}"
    text = f"{installation}\0{whose}".encode(errors="surrogatepass")
    return blake2b(digest + text, digest_size=_CHECK_BYTES, person=b"list").digest()
