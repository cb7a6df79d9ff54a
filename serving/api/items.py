"""The routes of similar items and of what follows an item."""

from fastapi import APIRouter, Request

from serving import neighbours
from serving import next_items as followers
from serving.api.parameters import PROBLEMS, ItemId, Length
from serving.schemas.similar import NextItems, SimilarItems
from serving.service import Service

router = APIRouter(tags=["items"], responses=PROBLEMS)


@router.get("/v1/items/{item_id:path}/similar", summary="Items similar to an item")
async def similar_items(request: Request, item_id: ItemId, k: Length = 10) -> SimilarItems:
    """Return the items most similar to an item, best first."""
    service: Service = request.app.state.service
    return neighbours.similar_items(service.current.snapshot, item_id, k, service.policy.steering.banned)


@router.get("/v1/items/{item_id:path}/next", summary="Items that users take after an item")
async def next_items(request: Request, item_id: ItemId, k: Length = 10) -> NextItems:
    """Return the items that most users take soon after an item; none where the data have no order."""
    service: Service = request.app.state.service
    return followers.next_items(service.current.snapshot, item_id, k, service.policy.steering.banned)
