"""What error pages tell people: what happened, and what to do next."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple


class Advice(NamedTuple):
    """What an error page tells.

    Attributes:
        heading: What happened.
        remedy: What to do next.
        again: Whether the same address may answer in a moment.
        key: Whether another key may help.
    """

    heading: str
    remedy: str
    again: bool = False
    key: bool = False


_OF_STATUS: Final[Mapping[HTTPStatus, Advice]] = {
    HTTPStatus.UNAUTHORIZED: Advice("Sign in first", "Sign in with your key.", key=True),
    HTTPStatus.FORBIDDEN: Advice(
        "Your key does not open this", "Go back, or sign in with a key that may do more.", key=True
    ),
    HTTPStatus.NOT_FOUND: Advice(
        "Nothing is here", "Check the address. What is new comes with the next night; what was withdrawn is gone."
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Advice("Nothing is here", "Open the page by its link, not by its form's address."),
    HTTPStatus.CONFLICT: Advice("Something else came first", "Go back, look what has changed, and try again."),
    HTTPStatus.UNPROCESSABLE_ENTITY: Advice(
        "This cannot be done as it was asked", "Go back and change what the sentence above names. Nothing was stored."
    ),
    HTTPStatus.TOO_MANY_REQUESTS: Advice("Too many requests", "Wait a few seconds, then try again.", again=True),
    HTTPStatus.INTERNAL_SERVER_ERROR: Advice(
        "Something failed here",
        "It is not your fault. Try again; if it fails again, give the request id below to whoever runs this server.",
        again=True,
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Advice(
        "Not available right now", "Wait a few seconds, then try again. What you sent before is kept.", again=True
    ),
}
_OTHER: Final = Advice("This cannot be answered", "Go back and try it another way.")


def advice_of(status: HTTPStatus) -> Advice:
    """Return what the error page of a status tells."""
    return _OF_STATUS.get(status, _OTHER)
