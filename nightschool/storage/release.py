"""One row of the releases table: what a night knows of its release, and the place that it got in history."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Status = Literal["published", "backfilled", "refused", "held", "unheld", "abandoned"]
STORED: Final[tuple[Status, ...]] = ("published", "backfilled")
"""Statuses of releases that have tables; a backfilled one was never current."""

BASIS: Final = "basis"
"""Key of `gates`: the hash of what the manifest says about scoring."""
COMPARABLE: Final = "comparable"
"""Key of `gates`: false where scoring changed since the release that the night started from."""
CONTEXTS: Final = "contexts"
"""Key of `gates`: the time zone of hour and weekday, and each context with its weight and its values."""
UNEXPLAINED: Final = "unexplained"
"""Key of `gates`: the components whose list entries no item of a history explains."""

FIT_SECONDS: Final = "fit_seconds"
"""Key of `gates`: the seconds that the fit of each candidate took, by its name in the metrics table."""

ON_TEST: Final = "on_test"
"""Key of `gates`: value and interval of ndcg@10 on the test, by role."""

GAPS: Final = "gaps"
"""Key of `gates`: how each segment of users is served compared with the others of its kind."""

SHIFTS: Final = "shifts"
"""Key of `gates`: the watched figures that were outside of their limits."""

_ASIDE: Final = ("by", "until")
"""Kept within `gates`: columns of their own would keep nights of older versions from adding rows."""

_JSON = ("config", "recipe", "content_hashes", "row_counts", "gates")


class Draft(BaseModel):
    """What a night knows of its release before the release has a place in history.

    Attributes:
        release_id: The partition of the release's tables; empty on rows that are about no release.
        as_of: T: the release knows what was known then.
        run_key: The hash of everything that went in.
        environment: The fingerprint of the environment.
        recipe: The recipe as JSON holds it.
        content_hashes: Table name to hash of its rows, and the name of another served file to hash of its bytes.
        row_counts: Table name to number of rows.
        gates: What was asked and what the answers were.
        reason: Why this row exists, for people.
        by: The name of the key by which it was asked for; empty where somebody did it on this machine.
        until: When a hold ends by itself; None: when somebody ends it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release_id: str
    as_of: AwareDatetime
    run_key: str = ""
    data_fingerprint: str = ""
    code_version: str = ""
    environment: str = ""
    config: Mapping[str, Any] = Field(default_factory=dict)
    recipe: Mapping[str, Any] = Field(default_factory=dict)
    mlflow_run_id: str = ""
    content_hashes: Mapping[str, str] = Field(default_factory=dict)
    row_counts: Mapping[str, int] = Field(default_factory=dict)
    gates: Mapping[str, Any] = Field(default_factory=dict)
    reason: str = ""
    by: str = ""
    until: AwareDatetime | None = None


class Release(Draft):
    """One row of the releases table.

    Attributes:
        created_at: When it was appended, by the clock of that machine; for people, never for order.
        status: What the row says.
        commit_version: The version of the commit that appended it; history is in this order.
    """

    created_at: AwareDatetime
    status: Status
    commit_version: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the release that a row of the table holds."""
        parsed = {name: json.loads(row[name]) for name in _JSON}
        aside = {name: parsed["gates"].pop(name) for name in _ASIDE if name in parsed["gates"]}
        return cls.model_validate({**row, **parsed, **aside})

    def to_row(self) -> dict[str, Any]:
        """Return the row of the table that holds the release."""
        row = self.model_dump(exclude={*_ASIDE})
        aside = {"by": self.by, "until": self.until.isoformat() if self.until else ""}
        row["gates"] = {**row["gates"], **{name: value for name, value in aside.items() if value}}
        return {**row, **{name: json.dumps(row[name], sort_keys=True, allow_nan=False) for name in _JSON}}

    def draft(self) -> Draft:
        """Return what it says without its place in history."""
        return Draft.model_validate(self.model_dump(include=set(Draft.model_fields)))
