"""The operator's page of quarantined rows: looked through, corrected, dismissed and downloaded."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.errors import Conflict
from nightschool.settings import Settings
from nightschool.storage.binding import get_binding
from nightschool.storage.quarantine.repairs import Place, Repairs, hash_row
from nightschool.storage.quarantine.table import quarantined
from nightschool.storage.releases import Releases
from serving import waiting
from serving.downloads import MEDIA_TYPES, Format, file_name, table_blocks
from serving.operations import open_lake
from serving.page.answers import PageRoute, caller_of, page, service_of
from serving.quarantine import (
    QuarantinedRow,
    corrected,
    count_rows,
    csv_blocks,
    filter_choice,
    find_row,
    form_columns,
    list_rows,
)

FIELD: Final = "row."
"""Before the name of a source row's own column in the form."""

_SHOWN: Final = 50
_ENDED: Final = 20
_SAID: Final = {
    "asked": "Noted: the next ingest takes the row in, if it is right.",
    "dismissed": "Noted: the next ingest takes the row off the list.",
    "back": "Taken back.",
}

router = APIRouter(include_in_schema=False, route_class=PageRoute)

Filter = Annotated[str, Query(max_length=1_000)]
Text = Annotated[str, Form(max_length=1_000)]
RowNumber = Annotated[int, Form(ge=0, le=2**62)]


@router.get("/operator/quarantine")
def show_quarantine(
    request: Request,
    reason: Filter = "",
    file: Filter = "",
    start: Annotated[int, Query(ge=0, le=2**40)] = 0,
    just: str = "",
) -> Response:
    """Show quarantined rows, the newest first, a page at a time, and what was asked to be done with them."""
    settings = service_of(request).settings
    lake = open_lake(settings.paths)
    repairs = Repairs(service_of(request).operating.engine)
    waits = {each.place: each for each in repairs.waiting()}
    ended = [each for each in repairs.newest(_ENDED + len(waits)) if each.done_at is not None]
    total = count_rows(lake, reason or None, file or None)
    chosen = {name: value for name, value in (("reason", reason), ("file", file)) if value}
    return page(
        request,
        "quarantine.html",
        rows=list_rows(lake, reason or None, file or None, start, _SHOWN),
        total=total,
        start=start,
        older=urlencode({**chosen, "start": start + _SHOWN}) if start + _SHOWN < total else "",
        newer=urlencode({**chosen, "start": max(0, start - _SHOWN)}) if start else "",
        query=urlencode(chosen),
        choice=filter_choice(lake),
        reason=reason,
        file=file,
        waits=waits,
        ended=ended[:_ENDED],
        said=_SAID.get(just, ""),
    )


@router.get("/operator/quarantine/download")
def download_quarantine(request: Request, reason: Filter = "", file: Filter = "", kind: Format = "csv") -> Response:
    """Send quarantined rows as a file: as CSV, in the form that `nightschool quarantine retry` reads."""
    settings = service_of(request).settings
    lake = open_lake(settings.paths)
    if kind == "csv":
        blocks = csv_blocks(lake, _manifest(settings), reason or None, file or None)
    else:
        blocks = table_blocks(quarantined(lake, reason or None, file or None), kind)
    details = {"format": kind, "reason": reason, "file": file}
    service_of(request).operating.audit.note(caller_of(request).name, "downloaded", "table quarantine", details)
    current = Releases(lake).current()
    name = file_name(settings.paths, current.release_id if current else "", "quarantine", kind)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(blocks, media_type=MEDIA_TYPES[kind], headers=headers)


@router.get("/operator/quarantine/row")
def show_row(request: Request, table: Filter, file: Filter, row: Annotated[int, Query(ge=0, le=2**62)]) -> Response:
    """Show a quarantined row with the forms that correct or dismiss it."""
    settings, place = service_of(request).settings, Place(table, file, row)
    found = find_row(open_lake(settings.paths), place)
    wait = next((each for each in Repairs(service_of(request).operating.engine).waiting() if each.place == place), None)
    fields = form_columns(found, _manifest(settings))
    if wait is not None and wait.row is not None:
        fields |= found._replace(row=wait.row).cells
    return page(
        request, "quarantined_row.html", row=found, fields=fields, wait=wait, seen=hash_row(found.row), prefix=FIELD
    )


@router.post("/operator/quarantine/repair")
async def ask_repair(request: Request) -> Response:
    """Note a corrected row, which the next ingest takes in if it is right."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    texts = {name.removeprefix(FIELD): value for name, value in form.items() if name.startswith(FIELD)}
    number = form.get("row", "")
    place = Place(form.get("table", ""), form.get("file", ""), int(number) if number.isdecimal() else -1)
    return await waiting.write(_ask_repair, request, place, form.get("seen", ""), texts)


@router.post("/operator/quarantine/dismiss")
def dismiss(
    request: Request,
    table: Text,
    file: Text,
    row: RowNumber,
    seen: Text,
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Note that a row is to leave the list without coming in."""
    settings = service_of(request).settings
    found = _unchanged(settings, Place(table, file, row), seen)
    Repairs(service_of(request).operating.engine).dismiss(
        found.place, found.row, reason.strip(), caller_of(request).name
    )
    return RedirectResponse("/operator/quarantine?just=dismissed", 303)


@router.post("/operator/quarantine/take-back")
def take_back(request: Request, table: Text, file: Text, row: RowNumber) -> Response:
    """Take back what was asked for a row and still waits."""
    Repairs(service_of(request).operating.engine).take_back(Place(table, file, row), caller_of(request).name)
    return RedirectResponse("/operator/quarantine?just=back", 303)


def _ask_repair(request: Request, place: Place, seen: str, texts: dict[str, str]) -> Response:
    settings = service_of(request).settings
    found = _unchanged(settings, place, seen)
    row = corrected(found.row or "{}", texts)
    Repairs(service_of(request).operating.engine).ask(place, found.row, row, caller_of(request).name)
    return RedirectResponse("/operator/quarantine?just=asked", 303)


def _unchanged(settings: Settings, place: Place, seen: str) -> QuarantinedRow:
    """Return the row at a place.

    Raises:
        NotFound: There is none.
        Conflict: It is another one than the form was about.
    """
    found = find_row(open_lake(settings.paths), place)
    if hash_row(found.row) != seen:
        raise Conflict("the row has changed since it was shown", do="look at it again")
    return found


def _manifest(settings: Settings) -> Manifest:
    return load_manifest(get_binding(settings.paths.binding).manifest)
