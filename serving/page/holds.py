"""The operator's page of holds: whether nights publish, until when not, and who decided so."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from nightschool.errors import ConfigurationError
from nightschool.storage.releases import Releases
from serving.operations import open_lake
from serving.page.answers import PageRoute, caller_of, page, service_of

_SHOWN = 20
_SAID = {"held": "Publishing is on hold.", "ended": "Nights publish again."}

router = APIRouter(include_in_schema=False, route_class=PageRoute)

Reason = Annotated[str, Form(max_length=500)]


@router.get("/operator/holds")
def show_holds(request: Request, just: str = "") -> Response:
    """Show the hold that keeps nights from publishing, and those before."""
    releases = Releases(open_lake(service_of(request).settings.paths))
    rows = [row for row in reversed(releases.history()) if row.status in ("held", "unheld")]
    return page(request, "holds.html", hold=releases.holding(), rows=rows[:_SHOWN], said=_SAID.get(just, ""))


@router.post("/operator/holds")
def hold(request: Request, reason: Reason = "", until: Annotated[str, Form(max_length=40)] = "") -> Response:
    """Keep nights from publishing.

    Raises:
        ConfigurationError: No reason is given, or the end is no time to come.
    """
    settings, why, end = service_of(request).settings, reason.strip(), _instant(until.strip())
    if not why:
        raise ConfigurationError("a hold needs a reason", do="go back and say why")
    Releases(open_lake(settings.paths)).hold(why, caller_of(request).name, end)
    details = {"reason": why, "until": end.isoformat() if end else "somebody ends it"}
    service_of(request).operating.note(caller_of(request).name, "held", "publishing", details)
    return RedirectResponse("/operator/holds?just=held", 303)


@router.post("/operator/holds/end")
def end_hold(request: Request, reason: Reason = "") -> Response:
    """Let nights publish again."""
    settings, why = service_of(request).settings, reason.strip()
    if Releases(open_lake(settings.paths)).unhold(why, caller_of(request).name) is not None:
        service_of(request).operating.note(caller_of(request).name, "hold_ended", "publishing", {"reason": why})
    return RedirectResponse("/operator/holds?just=ended", 303)


def _instant(text: str) -> datetime | None:
    """Parse the end of a hold, in UTC unless it names a zone; empty for none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError("the end is no time", seen=text, do="write it as 2026-12-31T06:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
