"""Releases and the state of the service, as the API answers them."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field

from serving.schemas.common import EXAMPLE_RELEASE, Answer, example

_AS_OF, _PUBLISHED = "2026-11-26T23:59:24Z", "2026-11-27T02:10:51Z"
_REASON = "better on validation"
_ENTRY: Final[dict[str, Any]] = {
    "id": EXAMPLE_RELEASE,
    "status": "published",
    "current": True,
    "as_of": _AS_OF,
    "created_at": _PUBLISHED,
    "reason": _REASON,
    "history": [{"status": "published", "at": _PUBLISHED, "reason": _REASON, "by": ""}],
}


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

    model_config = example(releases=[_ENTRY])

    releases: list[ReleaseEntry]


class ReleaseDetail(ReleaseEntry):
    """One release, whole."""

    model_config = example(
        **_ENTRY,
        recipe={"components": [{"model": "ials", "weight": 1.0}]},
        gates={"asked": [{"name": "rows", "passed": True, "seen": "1,000,000", "demanded": "at least 1"}]},
        row_counts={"recommendations": 50_000},
        content_hashes={"recommendations": "5f0c2d"},
    )

    recipe: dict[str, Any]
    gates: dict[str, Any]
    row_counts: dict[str, int]
    content_hashes: dict[str, str]


class Health(Answer):
    """Whether the process runs."""

    model_config = example(status="ok")

    status: Literal["ok"] = "ok"


class Ready(Answer):
    """Whether lists can be served, and how old they are.

    Attributes:
        reasons: Why not, what is missing though the last good release is served, or what is wrong with the rules.
    """

    model_config = example(
        ready=True, reasons=[], release_id=EXAMPLE_RELEASE, as_of=_AS_OF, release_age_seconds=33_120.5
    )

    ready: bool
    reasons: list[str] = Field(default=[])
    release_id: str | None
    as_of: datetime | None
    release_age_seconds: float | None
