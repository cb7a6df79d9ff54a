"""Releases and the state of the service, as the API answers them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from serving.schemas.common import Answer


class ReleaseStep(Answer):
    """Something that became of a release.

    Attributes:
        by: The name of the key by which it was asked for; empty where a night or somebody on the machine did it.
    """

    status: str
    at: datetime
    reason: str
    by: str = ""


class ReleaseEntry(Answer):
    """A release as the list of releases shows it.

    Attributes:
        created_at: When it was first published or refused; going back to it changes nothing of that.
        history: All that became of it, oldest first.
    """

    id: str
    status: str
    current: bool
    as_of: datetime
    created_at: datetime
    reason: str
    history: list[ReleaseStep] = Field(default=[])


class ReleaseList(Answer):
    """Every release, oldest first."""

    releases: list[ReleaseEntry]


class ReleaseDetail(ReleaseEntry):
    """One release, whole."""

    recipe: dict[str, Any]
    gates: dict[str, Any]
    row_counts: dict[str, int]
    content_hashes: dict[str, str]


class Health(Answer):
    """Whether the process runs."""

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """Whether lists can be served, and how old they are.

    Attributes:
        reasons: Why not, what is missing though the last good release is served, or what is wrong with the rules.
    """

    ready: bool
    reasons: list[str] = Field(default=[])
    release_id: str | None
    as_of: datetime | None
    release_age_seconds: float | None
