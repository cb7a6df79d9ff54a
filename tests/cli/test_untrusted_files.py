"""Hostile files and manifests, through the command line: rows or one clear refusal, no traceback and no waiting."""

import json
import os
from pathlib import Path

import pytest

from nightschool.columns import INTERACTIONS, ITEMS, TITLE
from tests.cli.conftest import Run, require_refusal
from tests.cli.untrusted import HEADER, N_ROWS, Untrusted, log_row


@pytest.fixture
def source(tmp_path: Path, run: Run) -> Untrusted:
    return Untrusted(tmp_path / "source", run)


# What a manifest may name

OUTSIDE = ["../secret.csv", "/etc/passwd", "a/../../secret.csv", "..\\secret.csv", "C:\\secret.csv", "C:secret.csv"]
OUTSIDE += ["\\\\server\\share\\secret.csv", "//server/share/secret.csv", "~/../secret.csv", "**/../../*.csv", ""]


@pytest.mark.parametrize("pattern", OUTSIDE)
def test_file_outside_the_source_root_is_not_named(pattern: str, source: Untrusted) -> None:
    source.write("../secret.csv", [HEADER, *source.rows])
    source.describe(('files = ["log.csv"]', f"files = [{json.dumps(pattern)}]"))
    source.refused(2, source.manifest, "interactions.files", "below the source root")


@pytest.mark.parametrize("pattern", OUTSIDE)
def test_map_outside_the_source_root_is_not_named(pattern: str, source: Untrusted) -> None:
    part = f'[interactions.user_map]\nfile = {json.dumps(pattern)}\nfrom = "a"\nto = "b"\n[users]\n'
    source.describe(("[users]\n", part))
    source.refused(2, source.manifest, "interactions.user_map.file", "below the source root")


@pytest.mark.parametrize("pattern", OUTSIDE[:-1])
def test_database_outside_the_source_root_is_not_named(pattern: str, source: Untrusted) -> None:
    form = f'format = {{ kind = "sql", uri = {json.dumps("sqlite:///" + pattern)}, query = "SELECT 1", key = "a" }}'
    source.describe(('files = ["log.csv"]', form))
    source.refused(2, source.manifest, "interactions.format", "below the source root")


@pytest.mark.parametrize("pattern", ["x" * 5_000, "?" * 300, "a**", "***/x", "**" * 100])
def test_pattern_that_no_folder_can_match(pattern: str, source: Untrusted) -> None:
    source.describe(('files = ["log.csv"]', f"files = [{json.dumps(pattern)}]"))
    source.refused(2, "interactions.files", "at most 255 bytes")


@pytest.mark.parametrize(
    "pattern", ["[", "{log,x}.csv", "log.csv/x", "\u0000", "log.csv\n", "**/" * 40 + "x", "%2e%2e/log.csv"]
)
def test_pattern_that_matches_nothing(pattern: str, source: Untrusted) -> None:
    source.describe(('files = ["log.csv"]', f"files = [{json.dumps(pattern)}]"))
    source.refused(5, "no file", "check --source-root")


@pytest.mark.parametrize(("encoding", "bad"), [("utf-7", b"+2AA-"), ("unicode_escape", b"\\ud800"), ("utf-16", b"x")])
def test_encoding_that_gives_no_characters(encoding: str, bad: bytes, source: Untrusted) -> None:
    source.describe(
        ('files = ["users.csv"]', f'files = ["users.csv"]\nformat = {{ kind = "csv", encoding = "{encoding}" }}')
    )
    source.write("users.csv", b"user,city\n1," + bad + b"\n")
    source.refused(3, "users.csv")


def test_name_like_an_option_or_a_command_is_a_name(source: Untrusted) -> None:
    name = "--help; rm -rf $(HOME) `x` '.csv"
    (source.folder / "log.csv").rename(source.folder / name)
    source.describe(('files = ["log.csv"]', f"files = [{json.dumps(name)}]"))
    assert source.accepted()["interactions"]["accepted"] == N_ROWS
    assert set(source.rows_of(INTERACTIONS)["source_file"]) == {name}


def test_name_with_control_characters_is_told_in_one_line(source: Untrusted) -> None:
    source.write("log\n\x1b[2J.csv", b"\xff\xfe\n")
    (source.folder / "log.csv").unlink()
    source.describe(('files = ["log.csv"]', 'files = ["log?*"]'))
    source.refused(3, "is not utf-8")


@pytest.mark.parametrize("name", ["base64", "undefined", "rot13", "zlib", "no such"])
def test_encoding_that_is_none_of_text(name: str, source: Untrusted) -> None:
    source.describe(('files = ["log.csv"]', f'files = ["log.csv"]\nformat = {{ kind = "csv", encoding = "{name}" }}'))
    source.refused(2, "encoding", "such as utf-8 or latin-1")


# Links, and what is no file


def link(source: Untrusted, target: Path | str) -> None:
    (source.folder / "log.csv").unlink()
    (source.folder / "log.csv").symlink_to(target)


def test_link_that_stays_below_the_source_root_is_followed(source: Untrusted) -> None:
    link(source, source.write("sub/real.csv", [HEADER, *source.rows]))
    assert source.accepted()["interactions"]["accepted"] == N_ROWS


def test_link_out_of_the_source_root_is_refused(source: Untrusted, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("\n".join([HEADER, *source.rows]))
    link(source, secret)
    source.refused(3, "log.csv", "leads out of the source root")


@pytest.mark.parametrize("target", ["log.csv", "nowhere.csv"], ids=["to itself", "to nothing"])
def test_link_that_leads_nowhere_is_not_found(target: str, source: Untrusted) -> None:
    link(source, target)
    source.refused(5, "no file log.csv")


def test_source_root_may_be_a_link(source: Untrusted, tmp_path: Path, run: Run) -> None:
    (tmp_path / "link").symlink_to(source.folder)
    assert run("ingest", "--dataset", source.manifest, "--source-root", tmp_path / "link").code == 0


def test_pipe_is_no_file_and_nobody_waits_for_it(source: Untrusted) -> None:
    (source.folder / "log.csv").unlink()
    os.mkfifo(source.folder / "log.csv")
    source.refused(5, "no file log.csv")


def test_empty_folder_in_place_of_a_file(source: Untrusted) -> None:
    (source.folder / "users.csv").unlink()
    (source.folder / "users.csv").mkdir()
    source.refused(5, "no file in users.csv")


def test_file_without_permission_to_read(source: Untrusted) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    (source.folder / "log.csv").chmod(0)
    source.refused(5, "log.csv", "Permission denied")


def test_source_root_that_is_a_file(source: Untrusted, run: Run) -> None:
    outcome = run("ingest", "--dataset", source.manifest, "--source-root", source.manifest)
    require_refusal(outcome, 5, source.manifest, "--source-root")


# Files of little or much


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no rows"),
        (b"\xef\xbb\xbf", "holds no rows"),
        (HEADER.encode(), "holds no rows"),
        (f"{HEADER}\n\n \n\r\n".encode(), "holds no rows"),
        (b"user\n1\n2\n", "has no column"),
        (b"\n\n\n", "holds no rows"),
        (b'"\n', "has no column user"),
        (f"{HEADER},user\n".encode(), "names columns twice"),
        (b"\x00" * 5_000, "has no column user"),
        (os.urandom(64) + b"\xff\n", "log.csv"),
        (f"{HEADER}\r1,1,3,,,\r".encode(), "log.csv"),
    ],
    ids=["empty", "mark", "header", "blanks", "one column", "no header", "quote", "twice", "NUL", "random", "CR alone"],
)
def test_file_that_holds_no_rows_is_refused(content: bytes, told: str, source: Untrusted) -> None:
    source.write("log.csv", content)
    source.refused(3, told)


def test_byte_order_marks_and_mixed_line_ends_are_no_data(source: Untrusted) -> None:
    for name in ("users.csv", "items.csv", "log.csv"):
        lines = (source.folder / name).read_bytes().splitlines()
        mixed = b"".join(line + (b"\r\n" if at % 2 else b"\n") for at, line in enumerate(lines))
        source.write(name, b"\xef\xbb\xbf" + mixed.rstrip(b"\r\n"))
    assert source.accepted()["interactions"]["accepted"] == N_ROWS
    assert set(source.rows_of(ITEMS)[TITLE]) == {f"Lesson {item}" for item in source.item_ids}


def test_field_of_10_mb_in_the_log_costs_its_row(source: Untrusted) -> None:
    source.append("log.csv", log_row("1" * 10 * 2**20), log_row(), log_row(seconds="9" * 10 * 2**20), log_row())
    assert source.put_aside(INTERACTIONS) == [(N_ROWS + 1, "bad_user"), (N_ROWS + 3, "bad_duration")]


def test_line_without_end_is_refused(source: Untrusted) -> None:
    source.append("log.csv", "1" * 100 * 2**20)
    source.refused(3, "log.csv", "has a line of more than")


def test_thousands_of_columns(source: Untrusted) -> None:
    extra = ",".join(f"c{column}" for column in range(5_000))
    source.write("log.csv", [f"{HEADER},{extra}", *(line + "," * 5_000 for line in source.rows)])
    assert source.accepted()["interactions"]["accepted"] == N_ROWS
