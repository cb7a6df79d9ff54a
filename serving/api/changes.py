"""Routes that add, change and withdraw items and users."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Request
from fastapi.openapi.models import Example

from nightschool.columns import ITEMS, USERS, Table
from nightschool.data.attributes import Action
from serving import waiting
from serving.api.parameters import PROBLEMS, UNREADABLE, ItemId, UserId
from serving.caller import Caller
from serving.changing import Asked, Changed, change_entities
from serving.schemas.changes import ItemChanged, ItemsChanged, NewItems, UserChanged
from serving.schemas.common import Text
from serving.service import Service

items = APIRouter(tags=["items"], responses=PROBLEMS)
users = APIRouter(tags=["users"], responses=PROBLEMS)

_ITEM: Final[dict[str, Any]] = {"title": "Statistics Today", "difficulty": "Beginner", "skills": ["statistics"]}
_ITEM_EXAMPLES: Final[dict[str, Example]] = {"item": {"value": _ITEM}}
_PART_EXAMPLES: Final[dict[str, Example]] = {
    "a part": {"value": {"difficulty": "Intermediate", "skills": None}},
    "bring back": {"value": {}},
}
_USER_EXAMPLES: Final[dict[str, Example]] = {"user": {"value": {"department": "Finance", "seniority": "Senior"}}}
_MANY_EXAMPLES: Final[dict[str, Example]] = {
    "several": {"value": {"items": [{"item_id": 933, **_ITEM}, {"item_id": 934, "title": "Statistics Tomorrow"}]}}
}

Described = Annotated[dict[Text, Any], Body(openapi_examples=_ITEM_EXAMPLES, max_length=200)]
Part = Annotated[dict[Text, Any], Body(openapi_examples=_PART_EXAMPLES, max_length=200)]
DescribedUser = Annotated[dict[Text, Any], Body(openapi_examples=_USER_EXAMPLES, max_length=200)]


@items.post("/v1/items", summary="Add or replace several items", status_code=HTTPStatus.CREATED, responses=UNREADABLE)
async def put_items(request: Request, sent: Annotated[NewItems, Body(openapi_examples=_MANY_EXAMPLES)]) -> ItemsChanged:
    """Add items or replace all that describes them, together or not at all, as `PUT /v1/items/{item_id}` does one."""
    asked = [Asked(item.item_id, "put", item.attributes) for item in sent.items]
    return ItemsChanged(items=[_item(each) for each in await _change(request, ITEMS, asked)])


@items.put("/v1/items/{item_id:path}", summary="Add or replace an item", responses=UNREADABLE)
async def put_item(request: Request, item_id: ItemId, attributes: Described) -> ItemChanged:
    """Add an item, or replace all that describes it, by attributes that the manifest declares.

    It is on the disk before this answers, in force in every worker within a moment, and the next night takes it in. An
    item that was withdrawn is back.
    """
    return _item(await _change_one(request, ITEMS, item_id, "put", attributes))


@items.patch("/v1/items/{item_id:path}", summary="Change an item", responses=UNREADABLE)
async def change_item(request: Request, item_id: ItemId, attributes: Part) -> ItemChanged:
    """Change some of an item's attributes; null takes one away. An item that was withdrawn is back."""
    return _item(await _change_one(request, ITEMS, item_id, "patch", attributes))


@items.delete("/v1/items/{item_id:path}", summary="Withdraw an item")
async def withdraw_item(request: Request, item_id: ItemId) -> ItemChanged:
    """Withdraw an item: nobody is shown it any more, until it is put or changed again. Its events stay."""
    return _item(await _change_one(request, ITEMS, item_id, "withdraw", {}))


@users.put("/v1/users/{user_id:path}", summary="Add or replace a user", responses=UNREADABLE)
async def put_user(request: Request, user_id: UserId, attributes: DescribedUser) -> UserChanged:
    """Add a user, or replace all attributes of one; those who were erased cannot be added."""
    return _user(await _change_one(request, USERS, user_id, "put", attributes))


@users.patch("/v1/users/{user_id:path}", summary="Change a user", responses=UNREADABLE)
async def change_user(request: Request, user_id: UserId, attributes: DescribedUser) -> UserChanged:
    """Change some of a user's attributes; null takes one away. Who had left is back."""
    return _user(await _change_one(request, USERS, user_id, "patch", attributes))


@users.delete("/v1/users/{user_id:path}", summary="Let a user leave")
async def withdraw_user(request: Request, user_id: UserId) -> UserChanged:
    """Note that a user has left: the next night makes no list for them. What is stored about them stays."""
    return _user(await _change_one(request, USERS, user_id, "withdraw", {}))


async def _change(request: Request, table: Table, asked: list[Asked]) -> list[Changed]:
    service: Service = request.app.state.service
    caller: Caller = request.scope["caller"]
    return await waiting.write(change_entities, service, table, asked, caller.name)


async def _change_one(
    request: Request, table: Table, entity_id: str, action: Action, attributes: dict[str, Any]
) -> Changed:
    (changed,) = await _change(request, table, [Asked(entity_id, action, attributes)])
    return changed


def _item(changed: Changed) -> ItemChanged:
    stored = changed.stored
    return ItemChanged(item_id=changed.entity_id, sequence=stored.sequence, at=stored.at, repeated=changed.repeated)


def _user(changed: Changed) -> UserChanged:
    stored = changed.stored
    return UserChanged(user_id=changed.entity_id, sequence=stored.sequence, at=stored.at, repeated=changed.repeated)
