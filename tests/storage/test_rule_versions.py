from collections.abc import Callable

import pytest
import sqlalchemy as sa

from nightschool.errors import Conflict, NotFound
from nightschool.storage.audit import AuditLog
from nightschool.storage.rule_versions import BY_HAND, RuleVersions

FILE = "rules.toml"


@pytest.fixture
def versions(database: sa.Engine) -> RuleVersions:
    return RuleVersions(database)


def nothing() -> None:
    """Writes no file."""


def save(versions: RuleVersions, text: str, base: int, write: Callable[[], None] = nothing) -> int:
    return versions.save((FILE, text), base, ("editors", "why"), write).sequence


def test_what_was_written_by_hand_becomes_a_version_once(versions: RuleVersions, database: sa.Engine) -> None:
    assert versions.notice(FILE, "") is None
    first = versions.notice(FILE, "quota = 1\n")
    assert first is not None
    assert (first.file, first.text, first.who, first.why) == (FILE, "quota = 1\n", "", BY_HAND)
    assert versions.notice(FILE, "quota = 1\n") == first
    gone = versions.notice(FILE, "")
    assert gone is not None
    assert versions.newest(FILE, 9) == (gone, first)
    assert [entry.action for entry in AuditLog(database).newest(9)] == ["file_changed_by_hand"] * 2


def test_versions_of_files_are_apart_and_listed_newest_first(versions: RuleVersions) -> None:
    numbers = [save(versions, f"quota = {n}\n", 0 if n == 1 else n - 1) for n in range(1, 4)]
    versions.notice("scenarios.toml", "[hero]\n")
    assert [each.sequence for each in versions.newest(FILE, 9)] == numbers[::-1]
    assert [each.sequence for each in versions.newest(FILE, 1, before=numbers[2])] == [numbers[1]]
    assert versions.get(FILE, numbers[0]).text == "quota = 1\n"
    for file, number in ((FILE, 99), (FILE, 4), ("scenarios.toml", numbers[0])):
        with pytest.raises(NotFound, match="has no such version"):
            versions.get(file, number)


def test_a_version_is_saved_with_its_file_and_noted(versions: RuleVersions, database: sa.Engine) -> None:
    written = list[str]()
    number = save(versions, "quota = 2\n", 0, lambda: written.append("quota = 2\n"))
    assert written == ["quota = 2\n"]
    (entry,) = AuditLog(database).newest(9)
    assert (entry.who, entry.action, entry.what) == ("editors", "file_saved", FILE)
    assert entry.details == {"version": number, "reason": "why"}


def test_whoever_did_not_see_the_newest_version_writes_nothing(versions: RuleVersions) -> None:
    base = save(versions, "quota = 2\n", 0)
    save(versions, "quota = 3\n", base)
    written = list[str]()
    for stale in (0, base):
        with pytest.raises(Conflict, match=r"rules\.toml was changed meanwhile"):
            save(versions, "quota = 4\n", stale, lambda: written.append("x"))
    assert written == []
    assert [each.text for each in versions.newest(FILE, 9)] == ["quota = 3\n", "quota = 2\n"]


def test_where_the_file_cannot_be_written_there_is_no_version(versions: RuleVersions, database: sa.Engine) -> None:
    def fail() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        save(versions, "quota = 2\n", 0, fail)
    assert (versions.newest(FILE, 9), AuditLog(database).newest(9)) == ((), ())
