"""Pins, boosts and bans of items, as the API takes and answers them."""

from datetime import datetime
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from nightschool.storage.interventions import LAST_PLACE, LONGEST_REASON, MOST_POINTS, Asked, Intervention, Kind
from serving.schemas.common import Answer, Text, WholeNumber, as_text, example

_PIN: Final[dict[str, Any]] = {
    "item_id": 32,
    "kind": "pin",
    "place": 1,
    "scenario": "hero",
    "until": "2026-12-24T18:00:00Z",
    "reason": "course of the month",
}


class InterventionAsked(BaseModel):
    """A pin, boost or ban to be set; one of the same kind for the same item and scenario ends with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_PIN]})

    item_id: WholeNumber | Text
    kind: Kind = Field(description="pin: put it at a place; boost: raise or lower its score; ban: show it nowhere.")
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="Why; kept in the audit log.")
    until: datetime | None = Field(
        default=None, description="When it ends by itself, with its zone; only a ban may have no end."
    )
    place: int | None = Field(default=None, ge=1, le=LAST_PLACE, description="Where a pin puts the item, from 1.")
    points: float | None = Field(
        default=None,
        ge=-MOST_POINTS,
        le=MOST_POINTS,
        description="What a boost adds to its score, in standard deviations of a user's scores.",
    )
    scenario: Text | None = Field(default=None, description="The scenario whose lists it changes; empty: all lists.")

    def asked(self, item_id: object) -> Asked:
        """Return what is asked for, of an item as the release names it."""
        return Asked(**{**self.model_dump(), "item_id": as_text(item_id)})


class InterventionEntry(Answer):
    """A pin, boost or ban.

    Attributes:
        title: The item's; empty where the release does not hold it.
        ended_at: When somebody ended it; None while it is in force.
    """

    model_config = example(
        **_PIN | {"item_id": "32"},
        intervention_id=7,
        title="Statistics for Beginners",
        points=None,
        set_by="editors",
        set_at="2026-11-27T09:12:00Z",
        ended_at=None,
    )

    intervention_id: int
    item_id: str
    title: str
    kind: Kind
    place: int | None = None
    points: float | None = None
    scenario: str | None = None
    until: datetime | None = None
    reason: str
    set_by: str
    set_at: datetime
    ended_at: datetime | None = None

    @classmethod
    def of(cls, found: Intervention, title: str) -> Self:
        """Describe an intervention.

        Args:
            found: The intervention.
            title: The title of its item.
        """
        about = {name: getattr(found, name) for name in ("intervention_id", "set_by", "set_at", "ended_at")}
        return cls(title=title, **about, **found.asked._asdict())


class InterventionList(Answer):
    """The pins, boosts and bans that are in force, the newest first."""

    interventions: list[InterventionEntry]
