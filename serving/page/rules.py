"""The operator's page of rules and scenarios: edit, try, save, compare versions, go back."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from nightschool.data.normalization.limits import LONGEST_ID
from nightschool.errors import ConfigurationError, Conflict, NotFound
from nightschool.storage.rule_versions import RuleVersion
from serving.answers import DEFAULT_LENGTH
from serving.page.answers import PageRoute, caller_of, page, service_of
from serving.policy import RULES_FILE, PolicyFiles
from serving.rule_files import FILES, LONGEST_TEXT, difference, normalised
from serving.rule_preview import Preview, preview
from serving.service import RULES, Service

_VERSIONS: Final = 20
_LONGEST_WHY: Final = 500
_SAID: Final = {"saved": "Saved. Lists follow it.", "undone": "Brought back. Lists follow it."}

router = APIRouter(include_in_schema=False, route_class=PageRoute)

File = Annotated[str, Query(max_length=40)]
Number = Annotated[int, Query(ge=0, le=2**53)]


class Edited(BaseModel):
    """The form as it was sent.

    Attributes:
        base: The version that the text was made from; 0 where there was none.
        do: Whether to write the file, or only to check the text and show what it changes.
        user: Whose list is shown; empty for none.
        scenario: Of which scenario; empty for lists without one.
    """

    file: str = Field(max_length=40)
    text: str = Field(default="", max_length=LONGEST_TEXT)
    base: int = Field(default=0, ge=0, le=2**53)
    why: str = Field(default="", max_length=_LONGEST_WHY)
    do: Literal["save", "try"] = "try"
    user: str = Field(default="", max_length=LONGEST_ID)
    scenario: str = Field(default="", max_length=100)


@router.get("/operator/rules")
def show_rules(request: Request, file: File = RULES_FILE, just: str = "") -> Response:
    """Show a file in a field to edit, and its versions."""
    current = service_of(request).operating.rule_files.current(file)
    edited = Edited(file=file, text=current.text if current else "", base=_number(current))
    return _page(request, edited, current, said=_SAID.get(just, ""))


@router.post("/operator/rules")
def edit_rules(request: Request, edited: Annotated[Edited, Form()]) -> Response:
    """Write a text into its file, or show what it would change; a faulty text and one of an old version come back."""
    service = service_of(request)
    files = service.operating.rule_files
    current = files.current(edited.file)
    if _number(current) != edited.base:
        return _conflict(request, edited, current)
    try:
        if edited.do == "try":
            return _tried(request, edited, current)
        by = caller_of(request).name, edited.why.strip()
        files.save(edited.file, edited.text, edited.base, by, service.current.catalogue)
    except Conflict:
        return _conflict(request, edited, files.current(edited.file))
    except (ConfigurationError, NotFound) as error:
        return _page(request, edited, current, 422, refused=str(error))
    service.upkeep.attempt(RULES)
    return RedirectResponse(f"/operator/rules?file={edited.file}&just=saved", 303)


@router.get("/operator/rules/version")
def show_version(request: Request, file: File, version: Number, other: Number | None = None) -> Response:
    """Show a version of a file, and how it differs from another one; from the one before it where none is named."""
    files = service_of(request).operating.rule_files
    shown, current = files.versions.get(file, version), files.current(file)
    listed = files.versions.newest(file, _VERSIONS)
    before = files.versions.newest(file, 1, version)
    compared = files.versions.get(file, other) if other else before[0] if before else None
    return page(
        request,
        "rule_version.html",
        file=file,
        shown=shown,
        current=current,
        compared=compared,
        listed=[each for each in listed if each != shown],
        lines=difference(compared.text if compared else "", shown.text),
    )


@router.post("/operator/rules/undo")
def undo(
    request: Request,
    file: Annotated[str, Form(max_length=40)],
    version: Annotated[int, Form(ge=1, le=2**53)],
    base: Annotated[int, Form(ge=0, le=2**53)],
    why: Annotated[str, Form(max_length=_LONGEST_WHY)] = "",
) -> Response:
    """Write an earlier version of a file again; one that no longer fits comes back as a text to correct."""
    service = service_of(request)
    files = service.operating.rule_files
    text = files.versions.get(file, version).text
    reason = f"back to version {version}: {why.strip()}" if why.strip() else f"back to version {version}"
    edited = Edited(file=file, text=text, base=base, why=reason[:_LONGEST_WHY])
    try:
        files.save(file, text, base, (caller_of(request).name, edited.why), service.current.catalogue)
    except Conflict:
        return _conflict(request, edited, files.current(file))
    except ConfigurationError as error:
        return _page(request, edited, files.current(file), 422, refused=str(error))
    service.upkeep.attempt(RULES)
    return RedirectResponse(f"/operator/rules?file={file}&just=undone", 303)


def rules_trouble(service: Service) -> str:
    """Return why the files are not in force as they are; empty where they are."""
    return service.upkeep.troubles.get(RULES, "")


def _tried(request: Request, edited: Edited, current: RuleVersion | None) -> Response:
    service = service_of(request)
    found = service.policy.tried({edited.file: normalised(edited.text)}, service.current.catalogue)
    lines = difference(current.text if current else "", normalised(edited.text))
    shown = _preview(service, found, edited) if edited.user.strip() else None
    return _page(request, edited, current, tried=True, lines=lines, preview=shown, scenarios=found.scenarios.named)


def _preview(service: Service, found: PolicyFiles, edited: Edited) -> Preview:
    """Make the user's list by the rules in force and by those of the text."""
    scenario = found.scenarios.get(edited.scenario) if edited.scenario else None
    before = service.policy.rules_of(edited.scenario if edited.scenario in service.policy.scenarios.named else "")
    snapshot = service.current.snapshot
    state = service.state_of(snapshot, edited.user.strip())
    return preview(snapshot, state, before, found.rules_of[edited.scenario], scenario.k if scenario else DEFAULT_LENGTH)


def _conflict(request: Request, edited: Edited, current: RuleVersion | None) -> Response:
    """Show what somebody else changed meanwhile above the text, which can be saved on top of it."""
    versions = service_of(request).operating.rule_files.versions
    base = versions.get(edited.file, edited.base).text if edited.base else ""
    lines = difference(base, current.text if current else "")
    following = edited.model_copy(update={"base": _number(current)})
    return _page(request, following, current, 409, conflict=True, lines=lines)


def _page(request: Request, edited: Edited, current: RuleVersion | None, status: int = 200, **shown: Any) -> Response:
    service = service_of(request)
    variables: Mapping[str, Any] = {
        "files": FILES,
        "edited": edited,
        "current": current,
        "trouble": rules_trouble(service),
        "versions": service.operating.rule_files.versions.newest(edited.file, _VERSIONS),
        "scenarios": service.policy.scenarios.named,
        "longest": LONGEST_TEXT,
        **dict.fromkeys(("said", "refused", "lines"), ""),
        **dict.fromkeys(("conflict", "tried"), False),
        "preview": None,
    }
    return page(request, "rules.html", status, **{**variables, **shown})


def _number(version: RuleVersion | None) -> int:
    return version.sequence if version else 0
