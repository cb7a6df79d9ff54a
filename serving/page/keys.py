"""The operator's page of API keys: whose they are, adding one and revoking one; only a key that operates opens it."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from nightschool.errors import ConfigurationError, Conflict, NotFound
from nightschool.storage.keys import LONGEST_NAME, ROLES, Key, Keys, Role
from serving.page.answers import PageRoute, caller_of, page, segment, service_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)

Name = Annotated[str, Form(max_length=LONGEST_NAME)]


@router.get("/operator/keys")
def show_keys(request: Request, just: Annotated[str, Query(max_length=LONGEST_NAME)] = "") -> Response:
    """Show the valid keys by name."""
    known = Keys(service_of(request).operating.engine).list()
    return _page(request, known, said=f"The key {just} is revoked." if just else "")


@router.post("/operator/keys")
def add_key(
    request: Request,
    name: Name = "",
    role: Annotated[Role, Form()] = "read",
    user: Annotated[str, Form(max_length=500)] = "",
    per_second: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Create a key and show it, this once.

    Raises:
        ConfigurationError: It has no name, or the rate is no number that can be.
        Conflict: A key has that name, or it is the first and could not open this page.
    """
    rate = _rate(per_second.strip())
    details = {"role": role, "for_one_user": bool(user.strip()), "per_second": rate}
    keys = Keys(service_of(request).operating.engine)
    if role != "operate" and not keys.any():
        do = "add one to operate first: from then on every request needs a key"
        raise Conflict("the first key has to open this page", seen=role, do=do)
    key = keys.add(name.strip(), role, user.strip() or None, rate)
    service_of(request).operating.audit.note(caller_of(request).name, "key_added", name.strip(), details)
    known = keys.list()
    return _page(request, known, added=name.strip(), key=key)


@router.get("/operator/keys/revoke")
def confirm_revocation(request: Request, name: Annotated[str, Query(max_length=LONGEST_NAME)]) -> Response:
    """Show the form that confirms that a key is to be revoked.

    Raises:
        NotFound: No key has that name.
    """
    key = _find(Keys(service_of(request).operating.engine).list(), name)
    return page(request, "revoke_key.html", key=key, yours=key.name == caller_of(request).name)


@router.post("/operator/keys/revoke")
def revoke_key(request: Request, name: Name) -> Response:
    """Revoke a key.

    Raises:
        NotFound: No key has that name.
        Conflict: It is the last one that operates.
    """
    keys = Keys(service_of(request).operating.engine)
    known = keys.list()
    key = _find(known, name)
    if key.role == "operate" and [each.role for each in known].count("operate") == 1:
        do = "add another one first, or run `nightschool keys revoke`"
        raise Conflict("it is the last key that operates", seen=name, do=do)
    keys.revoke(name)
    service_of(request).operating.audit.note(caller_of(request).name, "key_revoked", name, {"role": key.role})
    return RedirectResponse(f"/operator/keys?just={segment(name)}", 303)


def _page(request: Request, known: tuple[Key, ...], **more: Any) -> Response:
    variables = {"said": "", "added": "", "key": "", **more}
    return page(request, "keys.html", keys=known, roles=ROLES, you=caller_of(request).name, **variables)


def _find(known: tuple[Key, ...], name: str) -> Key:
    found = next((key for key in known if key.name == name), None)
    if found is None:
        raise NotFound("no key has that name", seen=name, do="go back and choose another")
    return found


def _rate(text: str) -> float | None:
    """Parse requests a second; empty for none given."""
    try:
        rate = float(text) if text else None
    except ValueError:
        rate = 0.0
    if rate is not None and not 0.01 <= rate <= 100_000:
        raise ConfigurationError("no such rate", seen=text, do="give requests a second, 0.01 to 100000")
    return rate
