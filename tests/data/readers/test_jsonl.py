import json
from pathlib import Path

import pytest

from nightschool.data.readers.jsonl import Jsonl, require_keys
from nightschool.data.readers.parsing import to_lines
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused
from tests.data.readers.format_contract import FormatContract

FILE = SourceFile("log", Path("log"))


class TestContract(FormatContract):
    format = Jsonl(kind="jsonl")

    def write(self, path, pairs):
        path.write_text("".join(json.dumps({"user": user, "item": item}) + "\n" for user, item in pairs))


def test_every_key_must_stand_in_some_first_line():
    lines = to_lines(b'{"a": 1}\n\n{"b": 2}\n')
    require_keys(FILE, lines, ("a", "b"))
    with pytest.raises(DataRefused, match="log has no key c; saw"):
        require_keys(FILE, lines, ("a", "c"))


def test_a_path_of_keys_stands_for_a_key_and_no_value_is_told():
    lines = to_lines(b'{"context": {"user_id": 5}, "mail": "ann@x.org"}\n')
    require_keys(FILE, lines, ("context.user_id",))
    with pytest.raises(DataRefused, match=r"no key context\.item") as refusal:
        require_keys(FILE, lines, ("context.item",))
    assert "keys context, context.user_id, mail" in str(refusal.value)
    assert "ann" not in str(refusal.value)


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', '[\n  {\n  "a": 1\n  }\n]', '[{"a": 1},\n{"a": 2}]'])
def test_an_array_is_no_file_of_lines(text):
    with pytest.raises(DataRefused, match="log is one JSON array; write each of its objects on a line of its own"):
        require_keys(FILE, to_lines(text.encode()), ("a",))


def test_a_list_among_objects_is_one_bad_line():
    require_keys(FILE, to_lines(b'[{"a": 1}]\n{"a": 2}\n'), ("a",))
