from pathlib import Path

import pytest

from nightschool.errors import NotFound
from nightschool.notebook import open_release


def test_a_folder_without_data_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_release(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
