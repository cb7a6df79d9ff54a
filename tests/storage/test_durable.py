from pathlib import Path

import pytest

from nightschool.storage import durable


def test_a_file_is_written_in_new_folders_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    durable.atomic_write_text(path, "é")
    durable.atomic_write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    durable.atomic_write_text(path, "old")

    def break_down(draft: Path) -> None:
        draft.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), durable.replacing(path) as draft:
        break_down(draft)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_draft_is_synced_before_it_takes_the_place_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    steps: list[tuple[Path, bool]] = []
    monkeypatch.setattr(durable, "sync", lambda synced: steps.append((synced, path.exists())))
    durable.atomic_write_text(path, "x")
    (draft, there_before), folder = steps
    assert draft.parent == tmp_path
    assert not there_before
    assert folder == (tmp_path, True)


def test_sync_tree_reaches_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "t"
    durable.atomic_write_text(folder / "log" / "0.json", "{}")
    durable.sync_tree(folder)
    seen: list[Path] = []
    monkeypatch.setattr(durable, "sync", seen.append)
    durable.sync_tree(folder)
    assert seen == [folder / "log" / "0.json", folder / "log", folder, tmp_path]


def test_sync_tree_does_not_mind_a_draft_that_got_its_name_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.tmp", "b"):
        durable.atomic_write_text(tmp_path / "t" / name, "x")
    synced, sync = [], durable.sync

    def renamed_first(path: Path) -> None:
        (tmp_path / "t" / "a.tmp").unlink(missing_ok=True)
        sync(path)
        synced.append(path.name)

    monkeypatch.setattr(durable, "sync", renamed_first)
    durable.sync_tree(tmp_path / "t")
    assert synced == ["b", "t", tmp_path.name]
