"""What a folder of somebody's own files holds: which are interactions, items and users, and why the others are not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from nightschool.data.inspection.candidates import Candidate, find_candidates
from nightschool.data.inspection.folder import can_be_named, list_files
from nightschool.data.inspection.joins import shares_repeated
from nightschool.data.inspection.looks import Family, Look, families_of, look_at
from nightschool.data.inspection.matching import Match, match_entities
from nightschool.data.inspection.toml_text import printable
from nightschool.data.sources import SourceFile
from nightschool.errors import DataRefused, NotFound

NOT_USED: Final = "not used"
_TOLD: Final = 5


@dataclass(frozen=True)
class Finding:
    """What became of one file.

    Attributes:
        file: The file.
        kind: Its kind, as a manifest names it; empty where it is none.
        rows: Rows that were seen of it.
        whole: Whether these are all.
        use: The section that reads it, or `NOT_USED`.
        why: Why.
    """

    file: str
    kind: str
    rows: int
    whole: bool
    use: str
    why: str


@dataclass(frozen=True)
class Survey:
    """What a folder holds.

    Attributes:
        root: The folder.
        main: The files of the interactions.
        match: Their columns, and what describes users and items.
        holdout: Files like the interactions that are meant for a test; None where there are none.
        findings: What became of each file, in the order of the names.
    """

    root: Path
    main: Candidate
    match: Match
    holdout: Family | None
    findings: tuple[Finding, ...]


def survey(root: Path, now: datetime) -> Survey:
    """What the files below a folder are, told from their first rows.

    Raises:
        NotFound: There is no such folder, no file in it, or none that holds interactions.
        ConfigurationError: It is a file, or holds too many files.
    """
    looks, refused = _look_at_each(list_files(root))
    families = families_of(looks)
    candidates = find_candidates(families, now)
    if not candidates:
        raise _no_interactions(root, looks, refused)
    main, *rest = candidates
    alike = [other for other in rest if other.family.column_names == main.family.column_names]
    taken = [name for candidate in (main, *alike) for name in candidate.files]
    match = match_entities(main, [family for family in families if family.first.file.name not in taken])
    repeated = _repeated(main, alike)
    tests = (other.family for other in alike if other.is_holdout and repeated[other.family.name] == 0)
    uses = dict(_uses(main, match, rest, repeated))
    findings = [_finding(look, *uses.get(look.file.name, (NOT_USED, ""))) for look in looks]
    everything = [*findings, *(Finding(name, "", 0, True, NOT_USED, why) for name, why in refused.items())]
    return Survey(root, main, match, next(tests, None), tuple(sorted(everything, key=lambda finding: finding.file)))


def _look_at_each(files: Sequence[SourceFile]) -> tuple[list[Look], dict[str, str]]:
    """Every file that holds a table, and why each other one does not."""
    looks, refused = [], {}
    for file in files:
        if not can_be_named(file):
            refused[printable(file.name)] = "its name cannot stand in a manifest: rename it"
            continue
        try:
            looks.append(look_at(file))
        except (DataRefused, NotFound) as error:
            refused[printable(file.name)] = str(error).removeprefix(file.name).lstrip(": ")
    return looks, refused


def _no_interactions(root: Path, looks: Sequence[Look], refused: Mapping[str, str]) -> NotFound:
    seen = [f"{look.file.name}: {look.rows} rows, no two columns of ids of users and items" for look in looks]
    seen += [f"{name}: {why}" for name, why in refused.items()]
    more = f" and {len(seen) - _TOLD} more" if len(seen) > _TOLD else ""
    return NotFound(
        f"no file below {root} holds interactions",
        seen=[*seen[:_TOLD]] if not more else f"{seen[:_TOLD]}{more}",
        do="add one in which each row says which user met which item, such as user_id,item_id,timestamp",
    )


def _repeated(main: Candidate, alike: Sequence[Candidate]) -> dict[str, float]:
    """Families whose columns are those of the interactions, with the share of their rows that are in there as well."""
    marks = {other.family.name: other.family.first.marks for other in alike}
    first = main.family.first
    return shares_repeated(marks, main.family.files, first.format, main.family.column_names) if marks else {}


def _uses(
    main: Candidate, match: Match, rest: Sequence[Candidate], repeated: Mapping[str, float]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """What each file is read as, and why; a later word on a file overrules an earlier one."""
    for family, reason in match.reasons:
        yield from ((name, (NOT_USED, reason)) for name in family.file_names)
    for other in rest:
        reason = _reason(other, main, repeated.get(other.family.name))
        yield from ((name, (NOT_USED, reason)) for name in other.files)
    for section, entity in (("users", match.users), ("items", match.items)):
        if entity:
            yield from ((name, (section, entity.why)) for name in entity.family.file_names)
    log = match.log
    yield from ((name, (NOT_USED, why)) for name, why in main.left_out.items())
    why = f"{log.user.name} meets {log.item.name}, scored as {log.modes[0]}"
    yield from ((name, ("interactions", why)) for name in main.family.file_names)


def _reason(other: Candidate, main: Candidate, repeated: float | None) -> str:
    if repeated is None:
        meeting = f"{other.log.user.name} meets {other.log.item.name}"
        return f"could be interactions too ({meeting}): give it [[interactions]] of its own"
    if repeated > 0:
        return f"{repeated:.0%} of its rows are in {main.family.name} too"
    if other.is_holdout:
        return "a hold-out, by its name"
    return f"like {main.family.name}, but named otherwise: add it to files if it belongs there"


def _finding(look: Look, use: str, why: str) -> Finding:
    return Finding(look.file.name, look.format.kind, look.rows, look.whole, use, why)
