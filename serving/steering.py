"""What the operator's pins, boosts and bans change in lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock

from nightschool.storage.interventions import Intervention, Interventions
from serving.rules import Rules


class SteeredRules(Rules):
    """Rules with what the operator pinned, boosted and banned; no file, request or experiment can set these.

    Attributes:
        banned: Ids of items that are never shown.
        boosted: Item to what it gains, in standard deviations of a user's scores.
        pinned: Items with their places, the lowest place first.
    """

    banned: tuple[str, ...] = ()
    boosted: Mapping[str, float] = {}
    pinned: tuple[tuple[int, str], ...] = ()

    @property
    def bans_alone(self) -> bool:
        """Return whether nothing but bans changes lists."""
        return self == SteeredRules(banned=self.banned)


@dataclass(frozen=True)
class Steering:
    """The interventions in force, the newest first."""

    interventions: tuple[Intervention, ...] = ()

    def rules(self, base: Rules, scenario: str) -> Rules:
        """Return the rules of a scenario with its interventions; without any, the same rules.

        Args:
            base: What the files say.
            scenario: The scenario; empty for lists without one.
        """
        here = [each.asked for each in self.interventions if each.asked.scenario in (None, scenario)]
        if not here:
            return base
        boosted: dict[str, float] = {}
        for each in here:
            boosted[each.item_id] = boosted.get(each.item_id, 0.0) + (each.points or 0.0)
        pinned = sorted(((each.place, each.item_id) for each in here if each.place), key=lambda pin: pin[0])
        return SteeredRules(
            **base.model_dump(),
            banned=tuple(each.item_id for each in here if each.kind == "ban"),
            boosted={item_id: points for item_id, points in boosted.items() if points},
            pinned=tuple(pinned),
        )

    @cached_property
    def banned(self) -> frozenset[str]:
        """Return the ids of the items that are shown nowhere."""
        asked = (each.asked for each in self.interventions)
        return frozenset(each.item_id for each in asked if each.kind == "ban" and each.scenario is None)


class ActiveInterventions:
    """The interventions of an installation, which every process follows through the database."""

    def __init__(self, store: Interventions) -> None:
        self.store = store
        self._lock = Lock()
        self._known: tuple[Intervention, ...] = ()

    def refresh(self) -> None:
        """Read the interventions; what was written before this call is known after it.

        Raises:
            Unreachable: The database does not answer; what was known before stays.
        """
        with self._lock:
            self._known = self.store.in_force()

    def steering(self) -> Steering:
        """Return what is in force now, also where the database does not answer when something ends."""
        now = datetime.now(UTC)
        return Steering(tuple(each for each in self._known if each.holds(now)))
