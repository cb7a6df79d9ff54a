"""The catalogue as a page: searched, narrowed, sorted, and as much of it as one asks for."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Request, Response

from nightschool.errors import ConfigurationError
from serving.facets import Facet
from serving.filter_syntax import MOST_CHARACTERS, FilterFault
from serving.item_pages import item_page
from serving.page.answers import PageRoute, fragment_asked, page, service_of
from serving.schemas.catalogue import CatalogueQuery, ItemPage, Sort
from serving.service import Service
from serving.snapshot import Snapshot

PREFIX: Final = "of."
"""What the parameters begin with that narrow by a column."""

_SORTS: Final[Mapping[str, Sort]] = {"popular": "popular", "new": "new", "trending": "trending"}
_LONGEST: Final = 512

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class Browse(NamedTuple):
    """What an address asks of the catalogue.

    Attributes:
        q: Words.
        sort: The order; empty for the best matches, or without words the most popular ones.
        filter: A filter; empty without one.
        chosen: Column to the value that items must have.
    """

    q: str = ""
    sort: str = ""
    filter: str = ""
    chosen: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, query: Mapping[str, str], facets: list[Facet]) -> Self:
        """Parse the query of an address; what the release does not have is left out.

        Args:
            query: Its parameters.
            facets: What the release can be narrowed by.
        """
        given = {facet.name: query.get(f"{PREFIX}{facet.name}", "").strip()[:_LONGEST] for facet in facets}
        return cls(
            q=query.get("q", "").strip()[:_LONGEST],
            sort=_SORTS.get(query.get("sort", ""), ""),
            filter=query.get("filter", "").strip()[: MOST_CHARACTERS + 1],
            chosen=tuple((name, value) for name, value in given.items() if value),
        )

    def query(self, **changes: str) -> str:
        """Return the query string with changes applied, from `?` on; empty for the whole catalogue."""
        asked = {"q": self.q, "sort": self.sort, "filter": self.filter}
        asked |= {f"{PREFIX}{name}": value for name, value in self.chosen}
        kept = {name: value for name, value in {**asked, **changes}.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


@router.get("/catalogue")
def show_catalogue(request: Request, after: str = "") -> Response:
    """Show the items that an address asks for, or the fragment of them that htmx requests."""
    service = service_of(request)
    snapshot = service.current.snapshot
    facets = snapshot.catalogue.facets
    browse = Browse.of(request.query_params, facets)
    part = fragment_asked(request)
    shown = {"browse": browse, "more": part == "more", **_found(service, browse, facets, after[:_LONGEST])}
    if part in ("found", "more"):
        return page(request, "_catalogue.html", **shown)
    return page(request, "catalogue.html", facets=facets, sorts=_sorts(snapshot), chosen=dict(browse.chosen), **shown)


def _found(service: Service, browse: Browse, facets: list[Facet], after: str) -> dict[str, Any]:
    """Return a page of items, or why there is none: the fault of a filter with its place, or another sentence."""
    shown: dict[str, Any] = {"result": None, "fault": None, "trouble": "", "again": False}
    try:
        shown["result"] = _page_of(service, browse, facets, after)
    except ConfigurationError as error:
        if isinstance(error, FilterFault) and error.text == browse.filter:
            return shown | {"fault": error}
        # A cursor of another release begins again with the first page.
        if not after:
            return shown | {"trouble": str(error)}
        return _found(service, browse, facets, "") | {"again": True}
    return shown


def _page_of(service: Service, browse: Browse, facets: list[Facet], after: str) -> ItemPage:
    by_name = {facet.name: facet for facet in facets}
    filters = [browse.filter] if browse.filter else []
    filters += [by_name[name].condition(value) for name, value in browse.chosen]
    asked = CatalogueQuery(q=browse.q, sort=_SORTS.get(browse.sort), after=after or None)
    return item_page(service.current.snapshot, asked, service.policy.steering.banned, filters)


def _sorts(snapshot: Snapshot) -> dict[str, str]:
    """Return the orders that the release can be sorted by, with what the page calls them."""
    names = {"": "Best first", "popular": "Popular"}
    if not np.isnat(snapshot.activity.known_since).all():
        names["new"] = "New"
    if snapshot.activity.trends is not None:
        names["trending"] = "Trending"
    return names
