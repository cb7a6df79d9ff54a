"""Pins, boosts and bans of items, which an operator sets until a date."""

import math
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple, cast

import sqlalchemy as sa

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.audit import note_in
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.operator_tables import INTERVENTIONS

Kind = Literal["pin", "boost", "ban"]

LAST_PLACE: Final = 200
MOST_POINTS: Final = 100.0
LONGEST_REASON: Final = 500


class Asked(NamedTuple):
    """What an operator asks for.

    Attributes:
        item_id: The item, as a text.
        place: Where a pin puts it, from 1; None for the other kinds.
        points: What a boost adds to its score, in standard deviations of a user's scores; None for the other kinds.
        scenario: The scenario whose lists it changes; None for all lists.
        until: When it ends by itself; None for a ban without an end.
    """

    item_id: str
    kind: Kind
    reason: str
    until: datetime | None = None
    place: int | None = None
    points: float | None = None
    scenario: str | None = None


class Intervention(NamedTuple):
    """A pin, boost or ban.

    Attributes:
        ended_at: When somebody ended it, or set another in its place; None otherwise, also once `until` has passed.
    """

    intervention_id: int
    asked: Asked
    set_by: str
    set_at: datetime
    ended_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Return whether it is in force."""
        return self.ended_at is None and (self.asked.until is None or now < self.asked.until)


class Interventions:
    """The interventions of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, asked: Asked, by: str) -> Intervention:
        """Set an intervention; one of the same kind for the same item and scenario ends with it.

        Args:
            asked: What is asked for.
            by: The name of the key, or of the program.

        Raises:
            ConfigurationError: It is incomplete, or of another form.
            Unreachable: The database does not answer.
        """
        now = datetime.now(UTC)
        _require_whole(asked, now)
        same = _held(now) & (INTERVENTIONS.c.item_id == asked.item_id) & (INTERVENTIONS.c.kind == asked.kind)
        same &= INTERVENTIONS.c.scenario.is_not_distinct_from(asked.scenario)
        row = {**asked._asdict(), "set_by": by, "set_at": now}
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            connection.execute(sa.update(INTERVENTIONS).where(same).values(ended_at=now))
            added = connection.execute(sa.insert(INTERVENTIONS).values(row)).inserted_primary_key
            note_in(connection, by, f"{asked.kind}_set", asked.item_id, _details(asked))
        return Intervention(int(cast(Any, added)[0]), asked, by, now)

    def end(self, intervention_id: int, by: str) -> Intervention:
        """End an intervention and return it; one that is over stays as it is.

        Args:
            intervention_id: Its id.
            by: The name of the key, or of the program.

        Raises:
            NotFound: There is none of that id.
            Unreachable: The database does not answer.
        """
        now = datetime.now(UTC)
        this = INTERVENTIONS.c.sequence == intervention_id
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            row = connection.execute(sa.select(INTERVENTIONS).where(this)).first()
            if row is None:
                raise NotFound("no such intervention", seen=str(intervention_id), do="list those in force")
            found = _intervention(row)
            if not found.holds(now):
                return found
            connection.execute(sa.update(INTERVENTIONS).where(this).values(ended_at=now))
            note_in(connection, by, f"{found.asked.kind}_ended", found.asked.item_id, _details(found.asked))
        return found._replace(ended_at=now)

    def in_force(self) -> tuple[Intervention, ...]:
        """Return the interventions that are in force, the newest first.

        Raises:
            Unreachable: The database does not answer.
        """
        query = sa.select(INTERVENTIONS).where(_held(datetime.now(UTC))).order_by(INTERVENTIONS.c.sequence.desc())
        with reading(self._engine) as connection:
            return tuple(map(_intervention, connection.execute(query)))


def _held(now: datetime) -> sa.ColumnElement[bool]:
    return INTERVENTIONS.c.ended_at.is_(None) & (INTERVENTIONS.c.until.is_(None) | (INTERVENTIONS.c.until > now))


def _intervention(row: sa.Row[Any]) -> Intervention:
    values = row._asdict()
    asked = Asked(**{name: values[name] for name in Asked._fields})
    return Intervention(values["sequence"], asked, values["set_by"], values["set_at"], values["ended_at"])


def _details(asked: Asked) -> dict[str, Any]:
    found = {name: getattr(asked, name) for name in ("place", "points", "scenario", "reason")}
    until = {} if asked.until is None else {"until": f"{asked.until.astimezone(UTC):%Y-%m-%dT%H:%MZ}"}
    return {name: value for name, value in found.items() if value is not None} | until


def _require_whole(asked: Asked, now: datetime) -> None:
    """Raise `ConfigurationError` where something is missing, out of range, or of another kind."""
    wants_place, wants_points = asked.kind == "pin", asked.kind == "boost"
    if (asked.place is not None) != wants_place or (wants_place and not 1 <= cast(int, asked.place) <= LAST_PLACE):
        do = f"give one from 1 to {LAST_PLACE}" if wants_place else f"a {asked.kind} has none"
        raise ConfigurationError("the place of an intervention", seen=asked.place, do=do)
    points = asked.points if asked.points is not None else math.nan
    if (asked.points is not None) != wants_points or (wants_points and not 0 < abs(points) <= MOST_POINTS):
        do = f"give a number up to {MOST_POINTS:g}, not 0" if wants_points else f"a {asked.kind} has none"
        raise ConfigurationError("the points of an intervention", seen=asked.points, do=do)
    if asked.until is None and asked.kind != "ban":
        raise ConfigurationError(f"a {asked.kind} needs an end", do="give until")
    if asked.until is not None and asked.until.tzinfo is None:
        raise ConfigurationError("the end has no time zone", seen=str(asked.until), do="write it as 2026-12-31T00:00Z")
    if asked.until is not None and asked.until <= now:
        raise ConfigurationError("the end has passed", seen=f"{asked.until:%Y-%m-%d %H:%M}", do="give a later one")
    if not asked.reason.strip() or len(asked.reason) > LONGEST_REASON:
        raise ConfigurationError("an intervention needs a reason", do=f"say why, in {LONGEST_REASON} characters")
