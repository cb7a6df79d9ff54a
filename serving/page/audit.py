"""The page of the audit log."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from serving.page.answers import PageRoute, page
from serving.service import Service

_SHOWN: Final = 50

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/operator/audit")
def show_audit(
    request: Request,
    who: Annotated[str, Query(max_length=512)] = "",
    action: Annotated[str, Query(max_length=100)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """Show who did what, the newest first, a page at a time."""
    service: Service = request.app.state.service
    log = service.operating.audit
    entries = log.newest(_SHOWN + 1, before, who, action)
    chosen = {name: value for name, value in (("who", who), ("action", action)) if value}
    older = urlencode({**chosen, "before": entries[_SHOWN - 1].sequence}) if len(entries) > _SHOWN else ""
    names, actions = log.names()
    return page(
        request,
        "audit.html",
        entries=entries[:_SHOWN],
        older=older,
        newest=urlencode(chosen) if before else None,
        names=names,
        actions=actions,
        who=who,
        action=action,
    )
