"""The operator's pages: releases, gates, metrics over nights, differences of two releases, rollback."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from nightschool.errors import ConfigurationError
from nightschool.storage.lake import Lake
from nightschool.storage.nights import Nights, with_missed
from nightschool.storage.releases import ROLLBACK_HOLDS, Releases
from serving.differences import compare_gates, compare_lists, compare_metrics, compare_rows
from serving.list_changes import explain_change
from serving.operations import (
    curves,
    experiment_results,
    last_read,
    open_lake,
    quarantined,
    recipe_name,
    release_state,
    roll_back,
)
from serving.page.answers import PageRoute, caller_of, page, service_of
from serving.page.charts import chart
from serving.page.rules import rules_trouble
from serving.page.steering import in_force
from serving.service import Service

_SHOWN_RELEASES = 20
_SHOWN_NIGHTS = 14
_SHOWN_INTERVENTIONS = 10

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/operator")
def show_operator(request: Request, releases: str = "", just: str = "") -> Response:
    """Show the state of this installation."""
    lake = _lake(request)
    service: Service = request.app.state.service
    settings = service.settings
    standing = release_state(lake)
    interventions = in_force(service)
    listed = standing.newest if releases == "all" else standing.newest[:_SHOWN_RELEASES]
    return page(
        request,
        "operator.html",
        standing=standing,
        listed=listed,
        more=len(standing.newest) - len(listed),
        recipe=recipe_name(standing.current) if standing.current else "",
        charts=[chart(curve) for curve in curves(lake, standing.nights)],
        quarantined=quarantined(lake),
        last_read=last_read(lake),
        experiments=experiment_results(settings),
        settings=settings,
        tries=with_missed(Nights.of(settings.paths).all(), datetime.now(UTC))[:_SHOWN_NIGHTS],
        just=just,
        rows=interventions[:_SHOWN_INTERVENTIONS],
        more_in_force=len(interventions) - _SHOWN_INTERVENTIONS,
        trouble=rules_trouble(service),
    )


@router.get("/operator/diff")
def show_difference(request: Request, left: str, right: str, user: str = "") -> Response:
    """Show the differences of two releases, and of one user's list where one is named."""
    lake = _lake(request)
    releases = Releases(lake)
    first, second = releases.whole(left), releases.whole(right)
    lists, moved = compare_lists(lake, left, right)
    return page(
        request,
        "diff.html",
        left=first,
        right=second,
        recipes=[recipe_name(first), recipe_name(second)],
        lists=lists,
        gained=[item for item in moved if item.change > 0],
        lost=[item for item in reversed(moved) if item.change < 0],
        gates=compare_gates(first, second),
        metrics=compare_metrics(lake, left, right),
        rows=compare_rows(first, second),
        nights=release_state(lake).nights,
        user=user,
        change=explain_change(lake, first, second, user) if user else None,
    )


@router.get("/operator/rollback")
def confirm_rollback(request: Request, release_id: str) -> Response:
    """Show the form that confirms a rollback and asks for its reason."""
    releases = Releases(_lake(request))
    return page(
        request, "rollback.html", target=releases.whole(release_id), current=releases.current(), holds=ROLLBACK_HOLDS
    )


@router.post("/operator/rollback")
def take_rollback(
    request: Request,
    release_id: Annotated[str, Form(max_length=64)],
    reason: Annotated[str, Form(max_length=500)] = "",
    hold: Annotated[bool, Form()] = ROLLBACK_HOLDS,
) -> Response:
    """Make a release current again, and show the state of the installation after it.

    Raises:
        ConfigurationError: No reason is given.
    """
    if not reason.strip():
        raise ConfigurationError("a rollback needs a reason", do="go back and say why")
    service: Service = request.app.state.service
    by, why = caller_of(request).name, reason.strip()
    release = roll_back(_lake(request), release_id, why, hold, by)
    service.operating.note(by, "rolled_back", release.release_id, {"reason": why, "hold": hold})
    return RedirectResponse(f"/operator?just={release.release_id}", 303)


def _lake(request: Request) -> Lake:
    return open_lake(service_of(request).settings.paths)
