"""The interactive documentation of the API: Swagger UI, whose files this server has itself."""

from fastapi import APIRouter, Request, Response

from serving.page.answers import PageRoute, page

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/docs")
def show_docs(request: Request) -> Response:
    """Show every route, to read about and to try."""
    return page(request, "docs.html")
