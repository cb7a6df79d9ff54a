"""Routes of the catalogue: pages of items, one item, and whom to invite to it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from serving import waiting
from serving.api.parameters import PROBLEMS, ItemId
from serving.invitations import users_to_invite
from serving.item_pages import item_detail, item_page
from serving.schemas.catalogue import CatalogueQuery, Invitations, ItemDetail, ItemPage
from serving.service import Service

router = APIRouter(tags=["items"], responses=PROBLEMS)

Capacity = Annotated[int, Query(ge=1, le=1000, description="The most users to invite.", examples=[30])]


@router.get("/v1/items", summary="A page of the catalogue")
async def items(request: Request, query: Annotated[CatalogueQuery, Query()]) -> ItemPage:
    """Return a page of the available items: searched, filtered and sorted.

    `next` of the answer, given as `after`, is the next page of the same items in the same order; pages of one release
    neither repeat nor skip an item. Where no item has all words of `q`, those with some are found, and without these
    those whose titles have similar words, as `matched` says.
    """
    service: Service = request.app.state.service
    return await waiting.read(item_page, service.current.snapshot, query, service.policy.steering.banned)


@router.get("/v1/items/{item_id:path}/users", summary="Whom to invite to an item")
async def invitations(request: Request, item_id: ItemId, capacity: Capacity = 20) -> Invitations:
    """Return whom to invite to an item: the users for whom the recipe scores it highest.

    Users who completed, liked, disliked or hid it are left out, up to this moment; so are those without the item among
    their candidates, and those who left.
    """
    service: Service = request.app.state.service
    current = service.current
    return await waiting.read(users_to_invite, current.snapshot, service.feedback, current.erased, item_id, capacity)


@router.get("/v1/items/{item_id:path}", summary="One item")
async def item(request: Request, item_id: ItemId) -> ItemDetail:
    """Return an item with its likes, prerequisites, and when it became known, also one that was withdrawn.

    An id that ends in `/similar`, `/next` or `/users` is taken for the address of that.
    """
    service: Service = request.app.state.service
    return await waiting.read(item_detail, service.current.snapshot, item_id, service.policy.steering.banned)
