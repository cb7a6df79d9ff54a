"""The operator's page of tables, those of a release and those of the home, each to download."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from nightschool.storage.releases import Releases
from serving.downloads import (
    MEDIA_TYPES,
    Format,
    downloads_of,
    file_name,
    find_download,
    home_downloads,
    table_blocks,
)
from serving.operations import open_lake
from serving.page.answers import PageRoute, caller_of, page, service_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/operator/tables")
def show_tables(request: Request, release_id: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Show the tables of a release, the current one unless another is named."""
    lake = open_lake(service_of(request).settings.paths)
    releases = Releases(lake)
    pruned = releases.pruned()
    stored = [each for each in reversed(releases.stored()) if each.release_id not in pruned]
    chosen = releases.whole(release_id) if release_id else releases.current()
    return page(
        request,
        "tables.html",
        chosen=chosen,
        releases=stored,
        tables=downloads_of(chosen) if chosen else [],
        home_tables=home_downloads(lake),
        kinds=list(MEDIA_TYPES),
    )


@router.get("/operator/tables/download")
def download_table(
    request: Request,
    table: Annotated[str, Query(max_length=64)],
    release_id: Annotated[str, Query(max_length=64)] = "",
    kind: Format = "csv",
) -> Response:
    """Send a table of a release, or of the home where none is named, as a file, block by block."""
    settings = service_of(request).settings
    lake = open_lake(settings.paths)
    found = find_download(lake, release_id, table)
    service_of(request).operating.audit.note(
        caller_of(request).name,
        "downloaded",
        f"table {table}{f' of {release_id}' if release_id else ''}",
        {"format": kind},
    )
    name = file_name(settings.paths, release_id, table, kind)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    blocks = table_blocks(lake.scan(found.table, release_id or None), kind)
    return StreamingResponse(blocks, media_type=MEDIA_TYPES[kind], headers=headers)
