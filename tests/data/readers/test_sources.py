import gzip
import hashlib
import zipfile
from collections import deque
from pathlib import Path

import pytest

from nightschool.data.readers import sources
from nightschool.data.readers.sources import (
    Extent,
    SourceFile,
    find_sources,
    line_blocks,
    measure,
    open_source,
    skip_known,
)
from nightschool.errors import DataRefused, NotFound, Unreachable

TEXT = b"a,1\nb,2\nc,3\n"


def file(tmp_path: Path, content: bytes, name: str = "log.csv") -> SourceFile:
    path = tmp_path / name
    path.write_bytes(content)
    return SourceFile(name, path)


def extent(content: bytes, rows: int = 0) -> Extent:
    return Extent(len(content), rows, hashlib.sha256(content).hexdigest())


def blocks(source: SourceFile, encoding: str = "utf-8") -> bytes:
    with open_source(source) as stream:
        return b"".join(line_blocks(stream, source, encoding))


def test_files_are_found_once_in_order(tmp_path):
    for name in ("b.csv", "a.csv", "sub/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(TEXT)
    names = [found.name for found in find_sources(tmp_path, ("b.csv", "*.csv", "sub/*.csv"))]
    assert names == ["b.csv", "a.csv", "sub/c.csv"]


def test_name_with_brackets_is_no_glob(tmp_path):
    (tmp_path / "log[1].csv").write_bytes(TEXT)
    assert [found.name for found in find_sources(tmp_path, ("log[1].csv",))] == ["log[1].csv"]


def landing(root: Path, *names: str) -> Path:
    folder = root / "landing"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(TEXT)
    return folder


@pytest.mark.parametrize("pattern", ["landing/", "landing", "./landing"])
def test_folder_means_every_finished_file_in_it(tmp_path, pattern):
    folder = landing(tmp_path, "b.csv", "a.csv", ".hidden.csv", "_SUCCESS", "c.csv.tmp", "d.part", "e.csv.CRDOWNLOAD")
    (folder / "sub").mkdir()
    (folder / "sub" / "f.csv").write_bytes(TEXT)
    assert [found.name for found in find_sources(tmp_path, (pattern,))] == ["landing/a.csv", "landing/b.csv"]


def test_empty_folder_holds_no_files_yet(tmp_path):
    landing(tmp_path)
    assert find_sources(tmp_path, ("landing/",)) == []
    with pytest.raises(NotFound, match="no file other/"):
        find_sources(tmp_path, ("landing/", "other/"))


def test_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound, match=r"no file log\.csv below .*check --source-root") as error:
        find_sources(tmp_path, ("log.csv",))
    assert error.value.exit_code == 5


def test_missing_root_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="--source-root"):
        find_sources(tmp_path / "none", ("log.csv",))


def test_file_that_went_away_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="is gone"):
        measure(SourceFile("log.csv", tmp_path / "log.csv"))


def test_compressed_files_read_like_plain_ones(tmp_path):
    packed = file(tmp_path, gzip.compress(TEXT), "log.csv.gz")
    with zipfile.ZipFile(tmp_path / "log.csv.zip", "w") as archive:
        archive.writestr("inside/log.csv", TEXT)
    zipped = SourceFile("log.csv.zip", tmp_path / "log.csv.zip")
    assert blocks(packed) == blocks(zipped) == TEXT
    with zipfile.ZipFile(zipped.path, "a") as archive:
        archive.writestr("__MACOSX/._log.csv", b"a Mac's own")
        archive.writestr(".DS_Store", b"likewise")
    assert blocks(zipped) == TEXT
    assert measure(packed) == measure(zipped) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv.gz", TEXT), ("b.csv.gz", gzip.compress(TEXT * 999, mtime=0)[:-20]), ("c.csv.zip", TEXT)],
    ids=["no gzip", "cut short", "no zip"],
)
def test_damaged_archive_is_refused(tmp_path, name, content):
    with pytest.raises(DataRefused, match=f"{name} cannot be decompressed"):
        measure(file(tmp_path, content, name))


def test_archive_that_inflates_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_HARMLESS_BYTES", 2**20)
    zeros = bytes(2**22)
    packed = file(tmp_path, gzip.compress(zeros), "log.csv.gz")
    with zipfile.ZipFile(tmp_path / "log.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", zeros)
    for source in (packed, SourceFile("log.csv.zip", tmp_path / "log.csv.zip")):
        with pytest.raises(DataRefused, match=f"{source.name} holds more than 200 times its compressed size") as error:
            measure(source)
        assert error.value.exit_code == 3


def test_archive_of_a_usual_size_may_inflate_far(tmp_path):
    assert measure(file(tmp_path, gzip.compress(bytes(2**22)), "log.csv.gz"))[0] == 2**22


def test_bomb_is_refused_while_little_of_it_was_read(tmp_path):
    bomb = file(tmp_path, gzip.compress(bytes(2**24)) * 20, "log.csv.gz")
    with open_source(bomb) as stream:
        with pytest.raises(DataRefused, match="compressed size"):
            deque(iter(stream.read, b""), maxlen=0)
        assert stream.bytes == 2**28 + 2**24


def test_encrypted_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("log.csv", TEXT)
    content = bytearray((tmp_path / "log.zip").read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    with pytest.raises(DataRefused, match=r"cannot be decompressed; saw .*encrypted"):
        measure(file(tmp_path, bytes(content), "log.zip"))


def test_zip_of_several_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    with pytest.raises(DataRefused, match="holds 2 files"):
        measure(SourceFile("two.zip", tmp_path / "two.zip"))


def test_blocks_end_with_lines_whatever_their_size(tmp_path, monkeypatch):
    source = file(tmp_path, TEXT)
    with open_source(source) as stream:
        reads = iter([stream.read(5), stream.read(5), stream.read(5), b""])
        monkeypatch.setattr(stream, "read", lambda: next(reads))
        assert list(line_blocks(stream, source, "utf-8")) == [b"a,1\n", b"b,2\n", b"c,3\n"]


@pytest.mark.parametrize("after", [b"", b"\nb,2\n"], ids=["no end", "an end"])
def test_line_without_measure_is_refused(tmp_path, monkeypatch, after):
    monkeypatch.setattr(sources, "LONGEST_LINE", 10)
    monkeypatch.setattr(sources.HashedStream.read, "__defaults__", (4,))
    assert blocks(file(tmp_path, b"a,1\n0123456789\n")) == b"a,1\n0123456789\n"
    with pytest.raises(DataRefused, match=r"log\.csv has a line of more than 10 characters; saw 'around byte 1[126]'"):
        blocks(file(tmp_path, b"0123456789a" + after))


def test_letter_on_the_edge_of_two_reads_stays_whole(tmp_path, monkeypatch):
    source = file(tmp_path, "é\nü".encode())
    with open_source(source) as stream:
        reads = iter([stream.read(1), stream.read(3), stream.read(1), b""])
        monkeypatch.setattr(stream, "read", lambda: next(reads))
        assert b"".join(line_blocks(stream, source, "utf-8")).decode() == "é\nü"


def test_byte_order_mark_is_no_data(tmp_path):
    assert blocks(file(tmp_path, b"\xef\xbb\xbf" + TEXT)) == TEXT


def test_other_encodings_become_utf8(tmp_path):
    assert blocks(file(tmp_path, "Café\n".encode("latin-1")), "latin-1").decode() == "Café\n"
    assert blocks(file(tmp_path, "Café\n".encode("utf-16")), "utf-16").decode() == "Café\n"


def test_latin1_read_as_utf8_names_file_byte_and_remedy(tmp_path):
    with pytest.raises(DataRefused, match=r'log\.csv is not utf-8.*at byte 7;.*e9.*encoding = "latin-1"') as error:
        blocks(file(tmp_path, "a,1\nCaf\xe9,2\n".encode("latin-1")))
    assert error.value.exit_code == 3


def test_invalid_byte_is_counted_from_the_start_of_the_file(tmp_path, monkeypatch):
    source = file(tmp_path, b"aaaa\nbbbb\nc\xffc\n")
    with open_source(source) as stream:
        reads = iter([stream.read(7), stream.read(99), b""])
        positions = iter([7, 14])

        def read() -> bytes:
            stream.bytes = next(positions)
            return next(reads)

        monkeypatch.setattr(stream, "read", read)
        with pytest.raises(DataRefused, match="at byte 11"):
            list(line_blocks(stream, source, "utf-8"))


def test_known_part_is_skipped(tmp_path):
    source = file(tmp_path, TEXT + b"d,4\n")
    with open_source(source) as stream:
        assert skip_known(stream, source, extent(TEXT)) == b""
        assert b"".join(line_blocks(stream, source, "utf-8")) == b"d,4\n"
        assert stream.sha256 == extent(TEXT + b"d,4\n").sha256


def test_known_part_without_a_line_end_is_told(tmp_path):
    source = file(tmp_path, b"a,1\nb,2\n")
    with open_source(source) as stream:
        assert skip_known(stream, source, extent(b"a,1\nb,2")) == b"b,2"


@pytest.mark.parametrize("now", [b"a,9\nb,2\nc,3\nd,4\n", TEXT[:-4], b""], ids=["changed", "truncated", "emptied"])
def test_changed_known_part_is_refused(tmp_path, now):
    source = file(tmp_path, now)
    with open_source(source) as stream, pytest.raises(DataRefused, match="was changed in place"):
        skip_known(stream, source, extent(TEXT))


def test_block_size_is_bytes_not_rows():
    assert sources.BLOCK_BYTES >= 2**20


def test_link_out_of_the_root_is_refused_and_one_inside_is_followed(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    file(tmp_path, TEXT, "secret.csv")
    file(root, TEXT)
    (root / "inside.csv").symlink_to(root / "log.csv")
    assert [found.name for found in find_sources(root, ("inside.csv",))] == ["inside.csv"]
    (root / "outside.csv").symlink_to(tmp_path / "secret.csv")
    for pattern in ("outside.csv", "*.csv", "."):
        with pytest.raises(DataRefused, match=r"outside\.csv leads out of the source root"):
            find_sources(root, (pattern,))


def test_file_that_cannot_be_read_now_may_be_tried_again(tmp_path):
    with pytest.raises(Unreachable, match=r"log\.csv cannot be read; saw 'Is a directory'") as error:
        measure(SourceFile("log.csv", tmp_path))
    assert isinstance(error.value, OSError)
    assert error.value.exit_code == 7


@pytest.mark.parametrize(("encoding", "content"), [("utf-7", b"+2AA-"), ("unicode_escape", b"\\ud800")])
def test_encoding_that_gives_no_characters_is_refused(tmp_path, encoding, content):
    with pytest.raises(DataRefused, match=r"holds no characters; saw .*ud800"):
        blocks(file(tmp_path, content), encoding)


def test_utf16_without_a_mark_is_refused(tmp_path):
    with pytest.raises(DataRefused, match=r"log\.csv is not utf-16"):
        blocks(file(tmp_path, b"\x00\x00"), "utf-16")
