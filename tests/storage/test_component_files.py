import hashlib
from datetime import UTC, datetime
from pathlib import Path

from nightschool.storage.component_files import ComponentFiles
from nightschool.storage.release import Release

FILES = ComponentFiles(".learned")


def test_files_are_published_with_a_release(tmp_path: Path) -> None:
    staged, served = tmp_path / "staged", tmp_path / "release"
    staged.mkdir()
    served.mkdir()
    assert FILES.publish(staged, served) == {}
    FILES.path(staged, "ease_2").write_bytes(b"now")
    FILES.path(served, "of_an_earlier_try").write_bytes(b"before")
    (staged / "another.kind").write_bytes(b"")
    hashes = FILES.publish(staged, served)
    assert FILES.there(served) == {"ease_2": served / "ease_2.learned"}
    assert (served / "ease_2.learned").read_bytes() == b"now"
    assert hashes == {"ease_2.learned": hashlib.sha256(b"now").hexdigest()}


def test_a_folder_that_is_not_there_holds_no_files(tmp_path: Path) -> None:
    assert FILES.there(tmp_path / "nowhere") == {}


def test_a_release_names_its_files_also_where_one_is_gone(tmp_path: Path) -> None:
    instant = datetime(2025, 6, 1, tzinfo=UTC)
    release = Release(
        release_id="x",
        as_of=instant,
        created_at=instant,
        commit_version=0,
        status="published",
        content_hashes={"recommendations": "a", "ease.learned": "b"},
    )
    assert FILES.published(release, tmp_path) == {"ease": tmp_path / "ease.learned"}
