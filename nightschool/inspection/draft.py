"""A survey to a first manifest, with the reason behind every guess."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from nightschool.data.manifest.manifest import shipped
from nightschool.inspection.folder import patterns_for
from nightschool.inspection.log_lines import log_lines, signal_lines, weight_lines
from nightschool.inspection.logs import Log
from nightschool.inspection.looks import Family
from nightschool.inspection.matching import Entity
from nightschool.inspection.survey import NOT_USED, Survey
from nightschool.inspection.toml_text import Line, Section, Value, to_toml

_OPENING: Final = (
    "A first manifest by `nightschool init`, guessed from the first rows of each file: read it before you believe it.",
    "What ends in `# guess: …` was guessed, with the reason; keys in comments are alternatives.",
)
_LATER_TYPES: Final = "rows of a type that has no weight go to quarantine; only the first rows were looked at for types"
_USUAL_NAMES: Final = {"iso8859-1": "latin-1"}


def draft(survey: Survey) -> str:
    """Write the text of the manifest that describes what a survey found."""
    main, log = survey.main.family, survey.match.log
    sections = [Section("", [Line(("name",), dataset_name(survey.root)), *signal_lines(main, log)])]
    if weights := weight_lines(main, log):
        sections.append(Section("event_weights", weights, [_LATER_TYPES]))
    sections.append(_interactions(survey))
    if survey.match.items:
        sections.append(_entity(survey.root, "items", survey.match.items, {"title": "title", "id": "item"}))
    if survey.match.users:
        sections.append(_entity(survey.root, "users", survey.match.users, {"id": "user"}))
    if survey.holdout:
        sections.append(_holdout(survey, survey.holdout))
    left = [f"  {finding.file}: {finding.why}" for finding in survey.findings if finding.use == NOT_USED]
    return to_toml(sections, _OPENING, ["Not used:", *left] if left else [])


def dataset_name(root: Path) -> str:
    """Name the dataset of a folder: the folder's name in allowed letters, unless a manifest ships under it."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.resolve().name).strip("._-") or "data"
    return f"my-{name}" if name in shipped() else name


def _interactions(survey: Survey) -> Section:
    main, log = survey.main.family, survey.match.log
    first, *form = _source_lines(survey.root, main)
    why = f"{log.user.name} and {log.item.name} come again and again in it"
    lines = [replace(first, why=first.why or why), *form, *log_lines(main, log)]
    remarks = [f"no {role}: {what}" for role, what in log.remarks.items()]
    remarks += [f"NOTE: {note}" for note in survey.notes]
    return _section("interactions", main, lines, _roles(log), remarks)


def _holdout(survey: Survey, files: Family) -> Section:
    """Write the hold-out as comments: the interactions' keys with other files."""
    log = survey.match.log
    why = "a hold-out by its name; `nightschool evaluate --protocol given` measures on it"
    first, *form = _source_lines(survey.root, files)
    lines = [replace(first, why=why), *(replace(line, why="") for line in (*form, *log_lines(survey.main.family, log)))]
    kept = [line for line in lines if not line.only_offered]
    return replace(_section("test", files, kept, _roles(log), []), only_offered=True, remarks=())


def _entity(root: Path, name: str, entity: Entity, roles: Mapping[str, str]) -> Section:
    """Write the section of users or items; `roles` names columns without a name, by the key that reads them."""
    lines = [*_source_lines(root, entity.family), Line(("id",), entity.key.name, entity.why), *entity.lines]
    names = {str(line.value): roles[line.key[0]] for line in lines if line.key[0] in roles}
    return _section(name, entity.family, lines, names, [])


def _roles(log: Log) -> dict[str, str]:
    """Map the columns of interactions to the names they get if the file has none."""
    parts = {"user": log.user, "item": log.item, "rating": log.rating, "time": log.time}
    return {part.name: role for role, part in parts.items() if part}


def _source_lines(root: Path, family: Family) -> list[Line]:
    """Return the keys that say where rows are and how they are written."""
    first, patterns = family.first, patterns_for(root, family.files)
    several = len(family.looks) > 1
    lines = [Line(("files",), patterns, f"{len(family.looks)} files of one form" if several else "")]
    for key, value in first.format.model_dump().items():
        if key == "columns" and value:
            lines.append(Line(("format", key), value, "the file names no columns: these names are invented"))
        elif key == "kind" or value != type(first.format).model_fields[key].default:
            lines += _format_lines(key, value, first.whys.get(key, ""))
    return lines


def _format_lines(key: str, value: Value | Mapping[str, Value], why: str) -> list[Line]:
    """Return the lines of one key of a format; a table has one for each of its keys."""
    if isinstance(value, Mapping):
        return [Line(("format", key, str(name)), each, why) for name, each in value.items()]
    return [Line(("format", key), _USUAL_NAMES.get(value, value) if isinstance(value, str) else value, why)]


def _section(
    name: str, family: Family, lines: Sequence[Line], names: Mapping[str, str], remarks: Sequence[str]
) -> Section:
    """Build a section: columns without a name get that of their role, and remarks end with unread columns."""
    if not family.first.format.headless:
        names = {}
    read = {each for line in lines if line.key[0] != "format" for each in line.texts}
    unread = [names.get(column, column) for column in family.column_names if column not in read]
    more = [f"not read: {', '.join(unread)}"] if unread else []
    return Section(name, tuple(_renamed(line, names) for line in lines), (*remarks, *more))


def _renamed(line: Line, names: Mapping[str, str]) -> Line:
    line = replace(line, key=(line.key[0], *(names.get(part, part) for part in line.key[1:])))
    if isinstance(line.value, str):
        value: str | tuple[str, ...] = names.get(line.value, line.value)
    elif isinstance(line.value, Sequence) and any(isinstance(each, str) for each in line.value):
        value = tuple(names.get(each, each) for each in line.value if isinstance(each, str))
    else:
        return line
    return replace(line, value=value)
