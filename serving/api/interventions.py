"""Routes that set, list and end pins, boosts and bans of items."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request

from nightschool.storage.interventions import Intervention
from serving import waiting
from serving.api.parameters import PROBLEMS, UNREADABLE
from serving.caller import Caller
from serving.neighbours import require_item
from serving.schemas.interventions import InterventionAsked, InterventionEntry, InterventionList
from serving.service import Service

router = APIRouter(tags=["interventions"], responses=PROBLEMS)

Id = Annotated[int, Path(description="Its id, as the answer to it gave it.", ge=1, le=2**53, examples=[7])]


@router.get("/v1/interventions", summary="Every pin, boost and ban in force")
async def list_interventions(request: Request) -> InterventionList:
    """List what is in force now, the newest first; the audit log has those that ended."""
    service: Service = request.app.state.service
    found = service.policy.steering.interventions
    return InterventionList(interventions=[_entry(service, each) for each in found])


@router.post(
    "/v1/interventions", summary="Pin, boost or ban an item", status_code=HTTPStatus.CREATED, responses=UNREADABLE
)
async def intervene(request: Request, asked: InterventionAsked) -> InterventionEntry:
    """Set a pin, boost or ban; the next list follows it, and those of other processes within a second.

    What rules, filters and the user's history forbid is not shown where it is pinned either.
    """
    service: Service = request.app.state.service
    caller: Caller = request.scope["caller"]
    item_id = require_item(service.current.snapshot, asked.item_id)
    done = await waiting.write(service.operating.intervene, asked.asked(item_id), caller.name)
    return _entry(service, done)


@router.delete("/v1/interventions/{intervention_id}", summary="End a pin, boost or ban")
async def end_intervention(request: Request, intervention_id: Id) -> InterventionEntry:
    """End a pin, boost or ban before its time; repeating it has no further effect."""
    service: Service = request.app.state.service
    caller: Caller = request.scope["caller"]
    done = await waiting.write(service.operating.end_intervention, intervention_id, caller.name)
    return _entry(service, done)


def _entry(service: Service, found: Intervention) -> InterventionEntry:
    served = service.current.served
    item_id = None if served is None else served.item_id(found.asked.item_id)
    title = "" if served is None or item_id is None else served.catalogue.describe(item_id)["title"]
    return InterventionEntry.of(found, title)
