"""The page of an item: what it is, what is like it, what users take next, and who took it, for those who may know."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request, Response

from nightschool.columns import AVAILABLE_AT, ITEM_ID, TEXT, TITLE
from serving import next_items as followers
from serving.item_pages import item_detail
from serving.item_users import item_users
from serving.neighbours import similar_items
from serving.page.answers import PageRoute, caller_of, page, service_of
from serving.page.catalogue import Browse
from serving.schemas.catalogue import ItemDetail
from serving.snapshot import Snapshot
from serving.user_state import Interaction

_SIMILAR: Final = 8
_NEXT: Final = 6
_USERS: Final = 12
_NOT_SHOWN: Final = frozenset({ITEM_ID, TITLE, TEXT, AVAILABLE_AT})

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class Attribute(NamedTuple):
    """A column of an item with its values.

    Attributes:
        name: The column's name.
        values: The values as texts.
        links: The catalogue narrowed to each value; none where it cannot be.
    """

    name: str
    values: list[str]
    links: list[str]


@router.get("/items/{item_id:path}")
def show_item(request: Request, item_id: str) -> Response:
    """Show an item."""
    service = service_of(request)
    snapshot = service.current.snapshot
    banned = service.policy.steering.banned
    detail = item_detail(snapshot, item_id, banned)
    known = detail.item.item_id
    user_id = caller_of(request).user_id
    return page(
        request,
        "item.html",
        detail=detail,
        item=detail.item,
        description=_description(snapshot, detail),
        attributes=_attributes(snapshot, detail),
        prerequisites=[snapshot.catalogue.item(each) for each in detail.prerequisites],
        unmatched=snapshot.catalogue.unmatched.get(known, []),
        similar=similar_items(snapshot, known, _SIMILAR, banned).items,
        following=followers.next_items(snapshot, known, _NEXT, banned).items,
        people=item_users(snapshot, service.current.erased, known, _USERS) if user_id is None else None,
        met=None if user_id is None else _met(request, snapshot, detail),
    )


def _met(request: Request, snapshot: Snapshot, detail: ItemDetail) -> Interaction | None:
    """Return the interaction of the key's user with the item; None without one."""
    user_id = caller_of(request).user_id
    place = snapshot.catalogue.position(detail.item.item_id)
    if user_id is None or place is None:
        return None
    return service_of(request).state_of(snapshot, user_id).current.get(place)


def _description(snapshot: Snapshot, detail: ItemDetail) -> str:
    """Return the text of an item, without the title where the manifest lets texts begin with it; empty without any."""
    place, declared = snapshot.catalogue.position(detail.item.item_id), snapshot.manifest.items
    text = str(snapshot.catalogue.frame[TEXT][place] or "").strip() if place is not None else ""
    begins = declared is not None and declared.text[:1] == (declared.title,)
    return text.removeprefix(detail.item.title.strip()).strip() if begins else text


def _attributes(snapshot: Snapshot, detail: ItemDetail) -> list[Attribute]:
    """Return the columns of an item that filters may name, those that describe it first."""
    catalogue = snapshot.catalogue
    place = catalogue.position(detail.item.item_id)
    facets = {facet.name: facet for facet in catalogue.facets}
    hidden = {*_NOT_SHOWN, catalogue.columns.prerequisites}
    names = [*facets, *(name for name in catalogue.filtered.columns if name not in facets)]
    row: dict[str, Any] = catalogue.frame.row(place, named=True) if place is not None else {}
    found = []
    for name in names:
        values = [] if name in hidden else _texts(row.get(name))
        browsed = [Browse(chosen=((name, value),)) for value in values] if name in facets else []
        found.append(Attribute(name, values, [f"/catalogue{each.query()}" for each in browsed]))
    return [attribute for attribute in found if attribute.values]


def _texts(value: object) -> list[str]:
    """Return the values of a cell as texts; none where it is missing."""
    listed = value if isinstance(value, list) else [value]
    return [_text(each) for each in listed if each is not None and str(each).strip()]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%-d %b %Y}"
    return f"{value:g}" if isinstance(value, float) else str(value)
