"""The route of similar items."""

from fastapi import APIRouter, Request

from serving.api.parameters import PROBLEMS, ItemId, Length
from serving.schemas.similar import SimilarItems
from serving.service import Service

router = APIRouter(tags=["items"], responses=PROBLEMS)


@router.get("/v1/items/{item_id:path}/similar")
async def similar_items(request: Request, item_id: ItemId, k: Length = 10) -> SimilarItems:
    """Return the items most similar to an item, best first."""
    service: Service = request.app.state.service
    return service.similar_items(item_id, k)
