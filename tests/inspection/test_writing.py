import pytest

from nightschool.errors import ConfigurationError, ManifestError
from nightschool.inspection.writing import require_new, write_manifest

GOOD = 'name = "mine"\nscore = "implicit"\n[interactions]\nfiles = ["a.csv"]\nuser = "u"\nitem = "i"\n'


def test_manifest_is_read_back_and_written(tmp_path):
    out = tmp_path / "mine.toml"
    assert write_manifest(GOOD, out).name == "mine"
    assert out.read_text() == GOOD


def test_what_describes_no_dataset_is_not_written(tmp_path):
    with pytest.raises(ManifestError):
        write_manifest(GOOD.replace("files", "fiels"), tmp_path / "mine.toml")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    out = tmp_path / "mine.toml"
    out.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"mine\.toml exists already; remove it, or give another --out"):
        require_new(out)
    with pytest.raises(ConfigurationError, match="cannot be written to"):
        write_manifest(GOOD, out)
    assert out.read_text() == "mine"


def test_link_to_nowhere_counts_as_a_file(tmp_path):
    out = tmp_path / "mine.toml"
    out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="exists already"):
        require_new(out)


def test_name_and_folder_must_do(tmp_path):
    with pytest.raises(ConfigurationError, match=r"ends in \.toml"):
        require_new(tmp_path / "mine.txt")
    with pytest.raises(ConfigurationError, match="There is no such folder"):
        require_new(tmp_path / "nowhere" / "mine.toml")
    require_new(tmp_path / "mine.toml")
