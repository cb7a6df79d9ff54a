from pathlib import Path

import pytest

from nightschool.errors import ConfigurationError, ManifestError
from serving.rules import Rules, load_rules


def test_without_a_file_nothing_is_ruled(tmp_path: Path) -> None:
    assert load_rules(tmp_path / "rules.toml").plain


def test_a_file_sets_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('exclude = [7, "x"]\nquota = 2\ndifficulty_steps = 1\n[boost]\nData = 0.5\n')
    rules = load_rules(file)
    assert rules == Rules(exclude=(7, "x"), quota=2, difficulty_steps=1, boost={"Data": 0.5})
    assert not rules.plain


@pytest.mark.parametrize(
    "text", ["quota = 0", "prerequisites = 2", "diversity = 2", "boost = 3", "colour = 1", "quota ="]
)
def test_a_file_that_is_none_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(ManifestError, match=r"rules\.toml"):
        load_rules(file)


def test_changes_are_checked_like_the_file() -> None:
    assert Rules(quota=2).overridden({"alpha": 0.5}) == Rules(quota=2, alpha=0.5)
    with pytest.raises(ConfigurationError, match=r"rule alpha.*saw 2"):
        Rules().overridden({"alpha": 2})
    with pytest.raises(ConfigurationError, match="rule colour"):
        Rules().overridden({"colour": "red"})


FAULTY = "filter, character 7: this is no part of a filter; saw '='; write == for equal"


def test_a_filter_is_read_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("""filter = '''\ntype != "Exam"\nand "python" in skills\n'''\n""")
    assert load_rules(file) == Rules(filter='type != "Exam"\nand "python" in skills\n')
    file.write_text('filter = "price = 3"\n')
    with pytest.raises(ManifestError, match=rf"rules\.toml, line 1: filter; saw 'price = 3'; {FAULTY}"):
        load_rules(file)


def test_a_faulty_filter_of_an_arm_is_refused() -> None:
    rules = Rules(filter="price < 3")
    assert rules.overridden({"quota": 2}).filter == "price < 3"
    assert rules.overridden({"filter": "free"}).filter == "free"
    with pytest.raises(ConfigurationError, match=f"rule filter; {FAULTY}"):
        rules.overridden({"filter": "price = 3"})
    with pytest.raises(ConfigurationError, match=r"rule filter: Input should be a valid string; saw 3"):
        rules.overridden({"filter": 3})
