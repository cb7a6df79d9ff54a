from pathlib import Path

import polars as pl
import pytest

from nightschool.application.bind_home import bind_home
from nightschool.application.home import manifest_of, open_home
from nightschool.columns import USERS
from nightschool.errors import ConfigurationError, NotFound

MANIFEST = """
name = "NAME"
score = "implicit"
[interactions]
files = ["log.csv"]
user = "user"
item = "item"
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of one file of pairs, whose users are numbers and whose items are not."""
    file = tmp_path / "mine.toml"
    file.write_text(MANIFEST.replace("NAME", "mine"))
    (tmp_path / "log.csv").write_text("user,item\n1,sets\n2,maps\n")
    return file


def ingested(manifest: Path) -> None:
    """Something was written below the lake."""
    home = bind_home(str(manifest), manifest.parent)
    home.lake.append(USERS, pl.DataFrame(schema=home.lake.schema(USERS)))


def test_new_home_is_bound_with_the_dtypes_of_its_ids(manifest: Path) -> None:
    home = bind_home(str(manifest), manifest.parent)
    assert (home.lake.user_id, home.lake.item_id) == (pl.Int64(), pl.String())
    assert open_home().binding == home.binding
    assert manifest_of(home).name == "mine"


def test_bound_home_needs_no_options(manifest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    home = bind_home("mine.toml", Path())
    ingested(manifest)
    monkeypatch.chdir("/")
    assert bind_home(None, None).binding == home.binding


def test_new_home_says_what_it_needs(manifest: Path) -> None:
    with pytest.raises(ConfigurationError, match="is new; give --dataset"):
        bind_home(None, manifest.parent)
    with pytest.raises(ConfigurationError, match="is new; give --source-root"):
        bind_home(str(manifest), None)
    with pytest.raises(NotFound, match=r"no such source folder; saw '.*nowhere'"):
        bind_home(str(manifest), manifest.parent / "nowhere")
    with pytest.raises(NotFound, match="holds no dataset yet"):
        open_home()


def test_home_that_took_nothing_in_may_be_bound_anew(manifest: Path) -> None:
    bind_home(str(manifest), manifest.parent)
    manifest.write_text(MANIFEST.replace("NAME", "other"))
    assert bind_home(str(manifest), manifest.parent).binding.dataset == "other"


def test_home_that_holds_a_dataset_takes_no_other(manifest: Path) -> None:
    ingested(manifest)
    other = manifest.with_name("other.toml")
    other.write_text(MANIFEST.replace("NAME", "other"))
    with pytest.raises(ConfigurationError, match=r"holds dataset 'mine'.*; saw 'other'; use another --home"):
        bind_home(str(other), manifest.parent)
    with pytest.raises(ConfigurationError, match=r"holds dataset 'mine'; saw '.*other.toml'; use another --home"):
        open_home(str(other))
    assert open_home(str(manifest)).binding.dataset == "mine"
