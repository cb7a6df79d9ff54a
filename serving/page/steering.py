"""The operator's page of pins, boosts and bans."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.interventions import LAST_PLACE, LONGEST_REASON, MOST_POINTS, Asked, Intervention, Kind
from serving import waiting
from serving.item_pages import item_page
from serving.neighbours import require_item
from serving.page.answers import PageRoute, caller_of, page
from serving.schemas.catalogue import CatalogueQuery
from serving.schemas.common import Item, as_text
from serving.service import Service

_FOUND: Final = 12
_USUAL_DAYS: Final = 7
_SAID: Final = {"set": "Set. Lists follow it.", "ended": "Ended. Lists are as without it."}

_LONGEST_SEARCH: Final = 512
_Number = TypeVar("_Number", int, float)

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class Row(NamedTuple):
    """An intervention in force, as the page shows it."""

    intervention: Intervention
    item: Item


class Filled(BaseModel):
    """The form as it was filled in; fields of another kind of intervention are left aside."""

    item: str
    kind: Kind = "pin"
    place: str = "1"
    points: str = "0.5"
    scenario: str = ""
    until: str = ""
    reason: str = ""

    def asked(self, item_id: object) -> Asked:
        """Return what is asked for, of an item as the release names it.

        Raises:
            ConfigurationError: A field cannot be read.
        """
        return Asked(
            item_id=as_text(item_id),
            kind=self.kind,
            reason=self.reason.strip(),
            until=_instant(self.until),
            place=_number("the place", self.place, int) if self.kind == "pin" else None,
            points=_number("the points", self.points, float) if self.kind == "boost" else None,
            scenario=self.scenario or None,
        )


@router.get("/operator/steering")
def show_steering(request: Request, q: str = "", item: str = "", just: str = "") -> Response:
    """Show what is in force, the search for an item, and the form for one that was chosen."""
    until = f"{datetime.now(UTC) + timedelta(days=_USUAL_DAYS):%Y-%m-%dT00:00}"
    filled = Filled(item=item, until=until)
    return page(request, "steering.html", q=q, said=_SAID.get(just, ""), refused="", **_shown(request, q, filled))


@router.post("/operator/steering")
async def intervene(request: Request, filled: Annotated[Filled, Form()]) -> Response:
    """Set a pin, boost or ban; the form comes back with what is wrong with it."""
    service: Service = request.app.state.service
    try:
        item_id = require_item(service.current.snapshot, filled.item)
        await waiting.write(service.operating.intervene, filled.asked(item_id), caller_of(request).name)
    except (ConfigurationError, NotFound) as error:
        return page(request, "steering.html", 422, q="", said="", refused=str(error), **_shown(request, "", filled))
    return RedirectResponse("/operator/steering?just=set", 303)


@router.post("/operator/steering/end")
async def end_intervention(request: Request, intervention_id: Annotated[int, Form(ge=1, le=2**53)]) -> Response:
    """End a pin, boost or ban, and show what is left."""
    service: Service = request.app.state.service
    await waiting.write(service.operating.end_intervention, intervention_id, caller_of(request).name)
    return RedirectResponse("/operator/steering?just=ended", 303)


def in_force(service: Service) -> list[Row]:
    """Return the interventions in force with their items, the newest first."""
    return [Row(each, _item(service, each.asked.item_id)) for each in service.policy.steering.interventions]


def _shown(request: Request, q: str, filled: Filled) -> dict[str, Any]:
    service: Service = request.app.state.service
    return {
        "rows": in_force(service),
        "found": _search(service, q) if q.strip() else [],
        "chosen": _item(service, filled.item) if filled.item else None,
        "filled": filled,
        "scenarios": service.policy.scenarios.named,
        "limits": {"place": LAST_PLACE, "points": MOST_POINTS, "reason": LONGEST_REASON},
    }


def _search(service: Service, q: str) -> list[Item]:
    """Return items that words or an id find."""
    snapshot = service.current.snapshot
    known = snapshot.item_id(q.strip())
    by_id = [] if known is None or snapshot.catalogue.position(known) is None else [snapshot.catalogue.item(known)]
    listed = item_page(snapshot, CatalogueQuery(q=q[:_LONGEST_SEARCH], k=_FOUND)).items
    by_title = [snapshot.catalogue.item(each.item_id) for each in listed]
    return [*by_id, *(item for item in by_title if item.item_id != known)]


def _item(service: Service, item_id: str) -> Item:
    served = service.current.served
    known = None if served is None else served.item_id(item_id)
    return Item(item_id=item_id, title="") if served is None or known is None else served.catalogue.item(known)


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise ConfigurationError("the end is no time", seen=text[:40], do="write it as 2026-12-31T00:00") from None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _number(name: str, text: str, parse: Callable[[str], _Number]) -> _Number:
    try:
        return parse(text)
    except ValueError:
        raise ConfigurationError(f"{name} must be a number", seen=text[:40], do="correct it") from None
