from pathlib import Path

import numpy as np
import pytest

from models.neural.checkpoints import Progress, load_progress, save_progress


def progress(epoch: int) -> Progress:
    arrays = {"vectors": np.full((3, 2), epoch, dtype=np.float32)}
    best = {"vectors": np.ones((3, 2), np.float32)}
    return Progress(epoch, 1, 0.5, 2.5, [0.25] * epoch, [0.5] * epoch, arrays, best, [np.int32(epoch), np.zeros(2)])


def test_what_was_saved_is_read_back_and_only_the_last_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "fit"
    assert load_progress(folder) is None
    save_progress(folder, progress(1))
    save_progress(folder, progress(2))
    found = load_progress(folder)
    assert found is not None
    assert (found.epoch, found.best_epoch, found.best_value, found.seconds) == (2, 1, 0.5, 2.5)
    assert (found.losses, found.values) == ([0.25, 0.25], [0.5, 0.5])
    np.testing.assert_array_equal(found.parameters["vectors"], progress(2).parameters["vectors"])
    np.testing.assert_array_equal(found.best["vectors"], np.ones((3, 2)))
    assert [int(found.moments[0]), found.moments[1].tolist()] == [2, [0, 0]]
    assert sorted(file.suffix for file in folder.iterdir()) == [".json", ".npz"]


def test_a_crash_between_arrays_and_state_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_progress(tmp_path, progress(1))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("models.neural.checkpoints.atomic_write_text", crash)
        with pytest.raises(KeyboardInterrupt):
            save_progress(tmp_path, progress(2))
    found = load_progress(tmp_path)
    assert found is not None
    assert found.epoch == 1
    save_progress(tmp_path, progress(3))
    assert len(list(tmp_path.glob("*.npz"))) == 1


@pytest.mark.parametrize(
    "text", ["", "{", '{"epoch": 1}', '{"epoch": 1, "best_epoch": 1, "best_value": 0, "arrays": "x.npz"}']
)
def test_a_damaged_checkpoint_is_done_without(text: str, tmp_path: Path) -> None:
    save_progress(tmp_path, progress(3))
    (tmp_path / "state.json").write_text(text)
    assert load_progress(tmp_path) is None


def test_damaged_arrays_are_done_without(tmp_path: Path) -> None:
    save_progress(tmp_path, progress(3))
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(file.read_bytes()[:50])
    assert load_progress(tmp_path) is None
