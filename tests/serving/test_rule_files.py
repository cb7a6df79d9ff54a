from pathlib import Path

import pytest

from nightschool.errors import ConfigurationError, Conflict, ManifestError, NotFound
from nightschool.settings import HomePaths
from nightschool.storage.database import open_database
from nightschool.storage.rule_versions import RuleVersions
from serving.policy import Policy
from serving.rule_files import RuleFiles, difference, normalised

BY = ("editors", "why")


@pytest.fixture
def paths(tmp_path: Path) -> HomePaths:
    return HomePaths(tmp_path)


@pytest.fixture
def files(paths: HomePaths) -> RuleFiles:
    return RuleFiles(RuleVersions(open_database(f"sqlite:///{paths.root}/events.db")), Policy(paths), paths)


def test_a_file_is_written_whole_with_its_version(files: RuleFiles, paths: HomePaths) -> None:
    assert files.current("rules.toml") is None
    saved = files.save("rules.toml", "quota = 2\r\n\r\n", 0, BY, None)
    assert paths.rules.read_text() == "quota = 2\n"
    assert files.current("rules.toml") == saved
    files.save("scenarios.toml", "[hero]\n", 0, BY, None)
    assert [each.name for each in paths.root.iterdir() if "tmp" in each.name] == []


def test_both_files_must_fit_together(files: RuleFiles, paths: HomePaths) -> None:
    paths.scenarios.write_text("[hero]\nk = 0\n")
    with pytest.raises(ManifestError, match=r"scenarios\.toml, line 2"):
        files.save("rules.toml", "quota = 2\n", 0, BY, None)
    assert not paths.rules.exists()


def test_what_changes_by_hand_is_kept_each_time(files: RuleFiles, paths: HomePaths) -> None:
    files.notice()
    for text in ("quota = 1\n", "quota = 2\n", "faulty ="):
        paths.rules.write_text(text)
        files.notice()
        files.notice()
    paths.rules.unlink()
    files.notice()
    found = files.versions.newest("rules.toml", 9)
    assert [each.text for each in found] == ["", "faulty =", "quota = 2\n", "quota = 1\n"]
    assert files.versions.newest("scenarios.toml", 9) == ()


def test_a_change_by_hand_stands_against_one_that_did_not_see_it(files: RuleFiles, paths: HomePaths) -> None:
    base = files.save("rules.toml", "quota = 1\n", 0, BY, None).sequence
    paths.rules.write_text("quota = 2\n")
    with pytest.raises(Conflict):
        files.save("rules.toml", "quota = 3\n", base, BY, None)
    assert paths.rules.read_text() == "quota = 2\n"
    newest = files.current("rules.toml")
    assert newest is not None
    assert newest.text == "quota = 2\n"


def test_a_folder_that_cannot_be_written_is_told(files: RuleFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, text: str) -> None:
        raise PermissionError(13, "Permission denied", str(path), text)

    monkeypatch.setattr("serving.rule_files.atomic_write_text", fail)
    with pytest.raises(ConfigurationError, match=r"rules\.toml cannot be written; saw 'Permission denied'"):
        files.save("rules.toml", "quota = 1\n", 0, BY, None)
    assert files.versions.newest("rules.toml", 9) == ()


def test_a_file_that_is_not_utf8_is_shown_as_well_as_it_can_be(files: RuleFiles, paths: HomePaths) -> None:
    paths.rules.write_bytes(b"# caf\xe9\nquota = 1\n")
    current = files.current("rules.toml")
    assert current is not None
    assert current.text == "# caf\ufffd\nquota = 1\n"


def test_no_other_file_is_read_or_written(files: RuleFiles) -> None:
    for name in ("events.db", "../rules.toml", ""):
        with pytest.raises(NotFound, match=r"choose rules\.toml or scenarios\.toml"):
            files.current(name)
        with pytest.raises(NotFound):
            files.save(name, "quota = 1\n", 0, BY, None)


def test_texts_end_as_files_do() -> None:
    assert [normalised(text) for text in ("", " \r\n", "a = 1", "a = 1\r\nb = 2\r\n\r\n")] == [
        "",
        "",
        "a = 1\n",
        "a = 1\nb = 2\n",
    ]


def test_a_difference_tells_lines_that_came_and_went() -> None:
    assert difference("a\nb\n", "a\nb\n") == []
    assert list(difference("a\nb\n", "a\nc\n")) == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]
    assert list(difference("", "a\n")) == ["@@ -0,0 +1 @@", "+a"]
