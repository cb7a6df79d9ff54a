"""The route of scenarios."""

from fastapi import APIRouter, Request

from serving.api.parameters import PROBLEMS
from serving.schemas.scenarios import ScenarioEntry, ScenarioList
from serving.service import Service

router = APIRouter(tags=["scenarios"], responses=PROBLEMS)


@router.get("/v1/scenarios", summary="Every scenario")
async def scenarios(request: Request) -> ScenarioList:
    """List the placements that a list can be asked for, as `scenarios.toml` has them."""
    service: Service = request.app.state.service
    named = service.policy.scenarios.named
    return ScenarioList(
        scenarios=[ScenarioEntry(name=name, **scenario.model_dump(mode="json")) for name, scenario in named.items()]
    )
