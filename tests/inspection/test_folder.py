from pathlib import Path

import pytest

from nightschool.data.readers.sources import SourceFile, find_sources
from nightschool.errors import ConfigurationError, NotFound
from nightschool.inspection import folder as module
from nightschool.inspection.folder import can_be_named, families_by_name, family_of, list_files, patterns_for


def test_files_come_in_the_order_of_their_names_without_hidden_ones(put, folder):
    for name in ("b.csv", "a.csv", "sub/c.csv", ".hidden", ".git/x", "__MACOSX/a.csv"):
        put(name, "x")
    assert [file.name for file in list_files(folder)] == ["a.csv", "b.csv", "sub/c.csv"]


def test_a_folder_must_be_one_and_hold_files(put, folder):
    with pytest.raises(NotFound, match="There is no such folder"):
        list_files(folder / "nowhere")
    with pytest.raises(NotFound, match="no file below"):
        list_files(folder)
    with pytest.raises(ConfigurationError, match="the folder that the file lies in"):
        list_files(put("a.csv", "x").path)


def test_too_many_files_are_refused(put, folder, monkeypatch):
    monkeypatch.setattr(module, "_MOST_FILES", 2)
    for name in "abc":
        put(name, "x")
    with pytest.raises(ConfigurationError, match=r"too many files.*saw 3"):
        list_files(folder)


@pytest.mark.parametrize(
    ("name", "possible"),
    [("a.csv", True), ("sub/ü [b].csv", True), ("C:a.csv", False), ("\\a.csv", False), ("\udcff.csv", False)],
)
def test_names_that_a_manifest_can_hold(name, possible):
    assert can_be_named(SourceFile(name, Path(name))) == possible


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("events-2024.csv", "events-*.csv"),
        ("year=2024/month=01/part-0.parquet", "year=*/month=*/part-*.parquet"),
        ("part-00000-0fab12cd-1234-5678-9abc-def012345678-c000.parquet", "part-*-*-c*.parquet"),
        ("users.csv", "users.csv"),
        ("a[1].csv", "a[1].csv"),
        ("events.log-20240101", "events.log*"),
        ("logs/access.log.2.gz", "logs/access.log*"),
        ("events.log", "events.log"),
    ],
)
def test_family_is_the_name_without_its_numbers(name, family):
    assert family_of(SourceFile(name, Path(name))) == family


def test_a_log_and_its_rotated_parts_are_one_family(put, folder):
    files = [put(name, "x") for name in ("events.log", "events.log-20240101", "events.log-20231231.gz")]
    assert patterns_for(folder, files) == ("events.log*",)
    assert families_by_name([*files, put("other.log", "x")]) == ["events.log*"] * 3 + ["other.log"]


def test_a_glob_names_a_family_and_nothing_else(put, folder):
    files = [put("e-1.csv", "x"), put("e-2.csv", "x")]
    assert patterns_for(folder, files) == ("e-*.csv",)
    assert patterns_for(folder, files[:1]) == ("e-1.csv",)
    put("e-old.csv", "x")
    assert patterns_for(folder, files) == ("e-1.csv", "e-2.csv")


@pytest.mark.parametrize("name", ["a*b.csv", "[x].csv", "a?.csv", "sub/1 2.csv"])
def test_unusual_names_find_their_file(put, folder, name):
    (found,) = find_sources(folder, patterns_for(folder, [put(name, "x")]))
    assert found.name == name
