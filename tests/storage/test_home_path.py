from pathlib import Path

import pytest

from nightschool.errors import ConfigurationError
from nightschool.storage.home_path import require_usable_path


@pytest.mark.parametrize(
    "name",
    ["a b", "ü", "学习", "100%", "%zz", "a#b", "what?", "{x}", "a*b", "k=v", "'a'", "a&b;c", "[old]", "a]b", "a^b|c"],
)
def test_ordinary_names_are_usable(name: str, tmp_path: Path) -> None:
    require_usable_path(tmp_path / name / "home")


@pytest.mark.parametrize("name", ["a\\b", "a%20b", "a\tb", "a\nb", "a\x7fb", "b\udcffb"])
def test_names_below_which_no_table_can_be_written_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no tables can be kept below a path with"):
        require_usable_path(tmp_path / name / "home")


def test_a_link_to_such_a_name_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "a%20b").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a%20b")
    with pytest.raises(ConfigurationError, match=r"with '%20'; saw .*a%20b"):
        require_usable_path(tmp_path / "link" / "home")
