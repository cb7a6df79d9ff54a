from pathlib import Path

import pytest

from nightschool.errors import ConfigurationError, ManifestError
from serving.scenarios import Scenarios, load_scenarios

TWO = """
[hero]
title = "For you"
k = 3

[next-up]
below = ["hero"]
[next-up.rules]
quota = 2
models = ["content"]
"""


def read(folder: Path, text: str) -> Scenarios:
    file = folder / "scenarios.toml"
    file.write_text(text, encoding="utf-8")
    return load_scenarios(file)


def test_scenarios_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, TWO)
    assert [*found.named] == ["hero", "next-up"]
    assert (found.get("hero").title, found.get("hero").k, found.get("next-up").k) == ("For you", 3, 10)
    assert found.get("next-up").below == ("hero",)
    assert found.get("next-up").rules == {"quota": 2, "models": ["content"]}


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert load_scenarios(tmp_path / "scenarios.toml") == Scenarios()
    with pytest.raises(ConfigurationError, match=r"no such scenario; saw 'hero'; write scenarios\.toml"):
        Scenarios().get("hero")


def test_an_unknown_name_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="saw 'footer'; use one of hero, next-up"):
        read(tmp_path, TWO).get("footer")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[hero", "scenarios.toml"),
        ("hero = 3", "hero"),
        ("[hero]\ncolour = 1", "colour"),
        ("[hero]\nk = 0", "k"),
        ("[hero]\nk = 201", "k"),
        ("[Hero]\nk = 2", "the name 'Hero' may have small letters"),
        ('["a b"]\nk = 2', "the name 'a b' may have small letters"),
        ('[hero]\nbelow = ["footer"]', "hero stands below 'footer', which is no scenario of this file"),
        ('[a]\nbelow = ["b"]\n[b]\nbelow = ["a"]', "in a circle"),
        ('[a]\nbelow = ["a"]', "in a circle"),
        ("[hero.rules]\nquotum = 2", "quotum"),
        ("[hero.rules]\nquota = 0", "quota"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read(tmp_path, text)
