from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nightschool.checkpoints import checkpoint_folder, checkpoints_below


def test_a_folder_is_given_within_the_block_alone(tmp_path: Path) -> None:
    assert checkpoint_folder("fit") is None
    with checkpoints_below(tmp_path):
        assert checkpoint_folder("fit") == tmp_path / "fit"
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(checkpoint_folder, "fit").result() is None
    assert checkpoint_folder("fit") is None
