from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from nightschool.data.manifest.toml_files import checked, line_of, parse_toml, read_text
from nightschool.errors import ManifestError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    uri: int = 0


class Outer(BaseModel):
    kind: Literal["a", "b"]
    parts: tuple[Inner, ...] = ()


def told(document: dict) -> str:
    with pytest.raises(ManifestError) as error:
        checked(Outer, document, "x.toml")
    return str(error.value)


def test_good_document_makes_its_model():
    assert checked(Outer, parse_toml('kind = "a"\n[[parts]]\nuri = 5\n', "x.toml"), "x.toml").parts[0].uri == 5


def test_what_is_no_toml_is_told_with_its_line():
    with pytest.raises(ManifestError, match=r"x\.toml is not valid TOML: .*line 2"):
        parse_toml("a = 1\nb =\n", "x.toml")


def test_fault_names_key_value_and_what_to_do():
    assert told({"kind": "c"}) == "x.toml: kind; saw 'c'; Input should be 'a' or 'b'"
    assert told({}) == "x.toml: kind; the key is missing; add it"
    assert told({"kind": "c", "parts": 1}).endswith("(and 1 more)")


def test_place_in_a_single_part_is_told_without_its_number():
    assert (
        told({"kind": "a", "parts": [{"url": 1}]})
        == "x.toml: parts.url; no section has this key; remove it or correct its name"
    )
    assert "parts.1.url" in told({"kind": "a", "parts": [{}, {"url": 1}]})


def test_addresses_and_unknown_values_are_not_told():
    assert "hush" not in told({"kind": "a", "parts": [{"uri": "hush"}]})
    assert "hush" not in told({"kind": "a", "parts": [{"password": "hush"}]})


TEXT = """
kind = "c"  # the kind
"odd.key" = 1
[parts]
uri.port = 3
[[more.'tables']]
uri = 1
"""


def test_line_of_a_key_is_found_in_its_table():
    assert line_of(TEXT, ["kind"]) == 2
    assert line_of(TEXT, ["parts", "uri", "port"]) == 5
    assert line_of(TEXT, ["more", "tables", "uri"]) == 7


def test_line_of_what_is_not_there_is_that_of_its_table():
    assert line_of(TEXT, ["parts", "other"]) == 4
    assert line_of(TEXT, ["other"]) is None
    assert line_of("", ["kind"]) is None


def test_fault_is_told_with_its_line_where_the_text_is_given():
    with pytest.raises(ManifestError, match=r"x\.toml, line 2: kind; saw 'c'"):
        checked(Outer, parse_toml(TEXT, "x.toml"), "x.toml", TEXT)


def test_text_that_is_not_utf8_is_told(tmp_path: Path):
    file = tmp_path / "x.toml"
    file.write_bytes(b"a = '\xff'")
    with pytest.raises(ManifestError, match=r"x\.toml is not UTF-8; saw 'byte 5'"):
        read_text(file)
