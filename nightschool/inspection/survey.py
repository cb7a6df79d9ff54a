"""Survey of a folder: which files hold interactions, items and users, and why the others do not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from nightschool.data.normalization.limits import MANY_REPEATS
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused, NotFound
from nightschool.inspection.candidates import Candidate, find_candidates
from nightschool.inspection.folder import can_be_named, list_files
from nightschool.inspection.joins import shares_repeated
from nightschool.inspection.looks import Family, Look, families_of, look_at
from nightschool.inspection.matching import Match, match_entities
from nightschool.inspection.names import Topic, is_about
from nightschool.inspection.toml_text import printable

NOT_USED: Final = "not used"
_MOST_SHOWN: Final = 5


@dataclass(frozen=True)
class Finding:
    """The use of one file.

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
    """The content of a folder.

    Attributes:
        root: The folder.
        main: The files of the interactions.
        match: Their columns, and what describes users and items.
        holdout: Files like the interactions that are meant for a test; None where there are none.
        findings: The use of each file, in the order of the names.
    """

    root: Path
    main: Candidate
    match: Match
    holdout: Family | None
    findings: tuple[Finding, ...]

    @property
    def notes(self) -> list[str]:
        """Problems that will stop a night unless the files or the manifest are corrected first."""
        if self.match.alike < MANY_REPEATS:
            return []
        rows = f"{self.match.alike:.0%} of the interactions repeat a pair of user and item"
        return [f"{rows} and nothing tells them apart: a night refuses that; give them a time or an event_id"]


def survey(root: Path, now: datetime) -> Survey:
    """Inspect the files below a folder, by their first rows.

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
    others = [family for family in families if family.first.file.name not in main.files]
    alike = [family for family in others if _is_like(family, main.family)]
    match = match_entities(main, [family for family in others if family not in alike])
    repeated = _repeated(main, alike)
    tests = (family for family in alike if family.is_holdout and repeated.get(family) == 0)
    uses = dict(_uses(main, match, rest)) | {name: (NOT_USED, why) for name, why in _why_similar(main, alike, repeated)}
    findings = [
        Finding(look.file.name, look.format.kind, look.rows, look.whole, *uses[look.file.name]) for look in looks
    ]
    everything = [*findings, *(Finding(name, "", 0, True, NOT_USED, why) for name, why in refused.items())]
    return Survey(root, main, match, next(tests, None), tuple(sorted(everything, key=lambda finding: finding.file)))


def _look_at_each(files: Sequence[SourceFile]) -> tuple[list[Look], dict[str, str]]:
    """Inspect every file that holds a table, and collect why each other one does not."""
    looks, refused = [], {}
    for file in files:
        if not can_be_named(file):
            refused[printable(file.name)] = "a manifest cannot hold its name: rename it"
            continue
        try:
            looks.append(look_at(file))
        except (DataRefused, NotFound) as error:
            refused[printable(file.name)] = str(error).removeprefix(file.name).lstrip(": ")
    return looks, refused


def _no_interactions(root: Path, looks: Sequence[Look], refused: Mapping[str, str]) -> NotFound:
    seen = [f"{look.file.name}: {look.rows} rows, {_why_none(look)}" for look in looks]
    seen += [f"{name}: {why}" for name, why in refused.items()]
    more = [f"and {len(seen) - _MOST_SHOWN} more"] if len(seen) > _MOST_SHOWN else []
    return NotFound(
        f"No file below {root} holds interactions",
        seen=[*seen[:_MOST_SHOWN], *more],
        do="add one in which each row names a user and an item, such as user_id,item_id,timestamp",
    )


def _why_none(look: Look) -> str:
    """Return why a file holds no interactions."""
    named = [any(is_about(column.name, topic) for column in look.columns) for topic in (Topic.USER, Topic.ITEM)]
    return "its users or items do not come again" if all(named) else "no two columns of ids of users and items"


def _is_like(family: Family, main: Family) -> bool:
    """Return whether the columns are those of the interactions; without names, of the same kinds at least."""
    kinds, wanted = ([column.kind for column in each.first.columns] for each in (family, main))
    return family.column_names == main.column_names and (kinds == wanted or not main.first.invented)


def _repeated(main: Candidate, alike: Sequence[Family]) -> dict[Family, float]:
    """Measure the share of their rows that the interactions hold too; nothing if that cannot be measured."""
    marks = {family.name: family.first.marks for family in alike}
    first = main.family.first
    try:
        shares = shares_repeated(marks, main.family.files, first.format, main.family.column_names) if marks else {}
    except DataRefused:
        # The ingest will tell what is wrong beyond the sample, once the manifest is there to be corrected.
        return {}
    return {family: shares[family.name] for family in alike}


def _why_similar(
    main: Candidate, alike: Sequence[Family], repeated: Mapping[Family, float]
) -> Iterator[tuple[str, str]]:
    """Yield why files with the columns of the interactions are not read with them."""
    for family in alike:
        why = f"like {main.family.name}, but named otherwise: add it to files if it belongs there"
        if share := repeated.get(family):
            why = f"{share:.0%} of its rows are in {main.family.name} too"
        elif family.is_holdout:
            why = "a hold-out, by its name"
        yield from ((name, why) for name in family.file_names)


def _uses(main: Candidate, match: Match, rest: Sequence[Candidate]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what each file is read as, and why; a later entry for a file replaces an earlier one."""
    for family, reason in match.reasons:
        yield from ((name, (NOT_USED, reason)) for name in family.file_names)
    for other in rest:
        pair = f"{other.log.user.name} and {other.log.item.name}"
        why = f"could be interactions too ({pair}): write [[interactions]] for both sections"
        yield from ((name, (NOT_USED, why)) for name in other.files)
    for section, entity in (("users", match.users), ("items", match.items)):
        if entity:
            yield from ((name, (section, entity.why)) for name in entity.family.file_names)
    yield from ((name, (NOT_USED, why)) for name, why in main.left_out.items())
    why = f"{match.log.user.name} and {match.log.item.name}, scored as {match.log.modes[0]}"
    yield from ((name, ("interactions", why)) for name in main.family.file_names)
