"""A release's model and audiences are written again without a user, and nobody else's list changes."""

from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from models import catalog
from models.published import Published, forget_user, write_audiences
from models.serialization import read_arrays
from nightschool.contract import Dataset
from nightschool.errors import ConfigurationError
from nightschool.night.release.audiences import measure_audiences
from nightschool.recipe import Recipe

GONE = 7
BLEND = Recipe.model_validate(
    {
        "components": [{"model": "ease", "weight": 0.7}, {"model": "svd", "params": {"factors": 3}, "weight": 0.3}],
        "alpha": 0.7,
    }
)


@pytest.fixture
def saved(planted: Dataset, tmp_path: Path) -> dict[str, Path]:
    """What a release registers."""
    files = {"model": tmp_path / "model", "audiences": tmp_path / "audiences.npz"}
    catalog.build(BLEND).fit(planted, seed=1).save(files["model"])
    audiences = measure_audiences(planted)
    write_audiences(files["audiences"], audiences.scores, audiences.of_user)
    return files


def test_what_a_release_registered_is_written_without_the_person(planted: Dataset, saved: dict[str, Path]) -> None:
    gone = str(planted.user_ids[GONE])
    others = planted.user_ids.filter(planted.user_ids != gone)
    before = Published.load(**saved).recommend(others, 5)
    assert forget_user(**saved, user_id=gone)
    assert_frame_equal(Published.load(**saved).recommend(others, 5), before, abs_tol=1e-6)
    assert len(read_arrays(saved["audiences"])["of_user"]) == 41
    assert not [file for file in saved["model"].rglob("*") if file.is_file() and gone.encode() in file.read_bytes()]
    assert not forget_user(**saved, user_id=gone)


def test_models_that_do_not_know_the_person_stay_as_they_are(saved: dict[str, Path]) -> None:
    before = {file: file.read_bytes() for file in saved["model"].rglob("*") if file.is_file()}
    assert not forget_user(**saved, user_id="stranger")
    assert {file: file.read_bytes() for file in before} == before


def test_files_that_are_damaged_are_told(saved: dict[str, Path]) -> None:
    (saved["model"] / "known.npz").write_bytes(b"half")
    with pytest.raises(ConfigurationError, match="damaged"):
        forget_user(**saved, user_id="user 7")
