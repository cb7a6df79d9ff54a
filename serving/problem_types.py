"""The problem types (RFC 9457): every kind of refusal, with its status, title, meaning and remedy."""

from enum import Enum
from http import HTTPStatus
from typing import Final

from nightschool.errors import Busy, Conflict, NotFound, Unavailable

PATH: Final = "/problems/"
"""The beginning of every type's address, where the server answers what it means."""


class ProblemType(Enum):
    """A kind of refusal.

    Attributes:
        status: The status of the response.
        title: The kind in a few words; the same for each problem of the kind.
        meaning: What it means.
        remedy: What to do about it.
    """

    BAD_REQUEST = (
        HTTPStatus.BAD_REQUEST,
        "Bad request",
        "The body cannot be read, or lacks what the request is about.",
        "Send the body that the route documents.",
    )
    NO_KEY = (
        HTTPStatus.UNAUTHORIZED,
        "No valid key",
        "The request has no key, or one that is unknown or revoked.",
        "Send Authorization: Bearer KEY, with a key that nightschool keys add has made.",
    )
    FOREIGN_PAGE = (
        HTTPStatus.FORBIDDEN,
        "Page of another site",
        "A page of another site sent a request that could change something.",
        "Name the page's origin in NIGHTSCHOOL_CORS_ORIGINS, and let it send a key as Authorization: Bearer KEY.",
    )
    ROLE_TOO_LOW = (
        HTTPStatus.FORBIDDEN,
        "Role too low",
        "The key's role does not allow the request.",
        "Use a key with the role that detail names.",
    )
    OTHER_USER = (
        HTTPStatus.FORBIDDEN,
        "Key of one user",
        "The key is for the lists and events of one user, and the request is about something else.",
        "Ask for that user's lists and path, or use a key for all users.",
    )
    LOCAL_ONLY = (
        HTTPStatus.FORBIDDEN,
        "This machine only",
        "Without any key the server answers its own machine only, and nothing that a proxy forwards.",
        "Make a key with nightschool keys add.",
    )
    UNKNOWN_ADDRESS = (
        HTTPStatus.NOT_FOUND,
        "Unknown address",
        "The server has nothing at this address.",
        "Compare it with the paths of /openapi.json.",
    )
    NOT_FOUND = (
        HTTPStatus.NOT_FOUND,
        "Not found",
        "There is no such user, item, skill, event or release.",
        "Check the id: ids are those of the data, and what is new comes with the next release.",
    )
    METHOD_NOT_ALLOWED = (
        HTTPStatus.METHOD_NOT_ALLOWED,
        "Method not allowed",
        "The address does not take this method.",
        "Use one of those that the header Allow names.",
    )
    CONFLICT = (
        HTTPStatus.CONFLICT,
        "Conflict",
        "The id belongs to something else already; nothing was stored.",
        "Give each event an id of its own.",
    )
    BUSY = (
        HTTPStatus.CONFLICT,
        "Busy",
        "Another process holds what the request would change.",
        "Send the request again in a moment.",
    )
    BODY_TOO_LARGE = (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Body too large",
        "The body is larger than the server reads.",
        "Send fewer events at a time.",
    )
    ADDRESS_TOO_LONG = (
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "Address too long",
        "The path and query are longer than the server reads.",
        "Send fewer or shorter parameters.",
    )
    INVALID_REQUEST = (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid request",
        "A parameter, a header or a field of the body is missing, unknown, of another type or out of range.",
        "Correct the places that detail names.",
    )
    UNFIT_REQUEST = (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Request does not fit the data",
        "The request is well formed, but the data or the release do not allow a value of it.",
        "Correct the value that detail names; nothing was stored.",
    )
    RATE_LIMITED = (
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "The key asks more often than it may.",
        "Wait as many seconds as Retry-After says.",
    )
    INTERNAL_ERROR = (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal error",
        "The server failed by a defect.",
        "Look for request_id in the server's log, and report the error.",
    )
    OVERLOADED = (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Overloaded",
        "The request waited too long for its turn.",
        "Wait as many seconds as Retry-After says, and send the request again.",
    )
    UNAVAILABLE = (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Unavailable",
        "No release is published yet, or a database or file that the answer needs cannot be read now.",
        "Wait as many seconds as Retry-After says; /ready says what is missing.",
    )

    def __init__(self, status: HTTPStatus, title: str, meaning: str, remedy: str) -> None:
        self.status = status
        self.title = title
        self.meaning = meaning
        self.remedy = remedy

    @property
    def slug(self) -> str:
        """Return the name in addresses."""
        return self.name.lower().replace("_", "-")

    @property
    def uri(self) -> str:
        """Return the URI reference that problem documents have as their type."""
        return f"{PATH}{self.slug}"


BY_SLUG: Final = {each.slug: each for each in ProblemType}

_OF_ERRORS: Final = {
    Unavailable: ProblemType.UNAVAILABLE,
    NotFound: ProblemType.NOT_FOUND,
    Conflict: ProblemType.CONFLICT,
    Busy: ProblemType.BUSY,
}


def kind_of(error: Exception) -> ProblemType:
    """Return the kind of refusal that an expected error is answered with."""
    return next((kind for of, kind in _OF_ERRORS.items() if isinstance(error, of)), ProblemType.UNFIT_REQUEST)
