import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.inspection.toml_text import Line, Section, printable, to_toml

# Names come out of decoded text, which holds no half of a surrogate pair.
TEXT = st.text(st.characters(exclude_categories=("Cs",)))


@given(st.dictionaries(TEXT, TEXT), TEXT, TEXT)
def test_whatever_a_file_names_is_read_back(entries, why, remark):
    lines = [Line((key,), value, why) for key, value in entries.items()]
    text = to_toml([Section("", lines, [remark])], [remark], [why])
    assert tomllib.loads(text) == entries


@given(st.lists(TEXT, max_size=40))
def test_lists_are_read_back_however_long(texts):
    text = to_toml([Section("part", [Line(("a", "b c"), texts, "so")])], [], [])
    assert tomllib.loads(text) == {"part": {"a": {"b c": texts}}}


@pytest.mark.parametrize(
    "name", ['us"er', "a\\b", "a\tb\n", "\x00\x1b[31m\x7f", "\u202eevil", "日本", "", "# x", "a.b", "'"]
)
def test_unusual_names(name):
    text = to_toml([Section("", [Line((name,), name, name)])], [], [])
    assert tomllib.loads(text) == {name: name}
    assert all(letter.isprintable() for letter in text.replace("\n", ""))


@pytest.mark.parametrize(
    ("value", "written"),
    [(True, "true"), (False, "false"), (4, "4"), (4.0, "4"), (0.5, "0.5"), ("\t", '"\\t"'), (("a", "b"), '["a", "b"]')],
)
def test_values(value, written):
    assert to_toml([Section("", [Line(("key",), value)])], [], []) == f"key = {written}\n"


def test_guesses_and_alternatives_are_comments():
    lines = [Line(("user",), "a", "its name"), Line(("user",), "b", "it could be", only_offered=True)]
    assert to_toml([Section("interactions", lines, ["not read: c"])], ["top"], ["end"]) == (
        "# top\n[interactions]\n"
        'user = "a"  # guess: its name\n'
        '# user = "b"  # or: it could be\n'
        "# not read: c\n\n# end\n"
    )


def test_section_that_is_only_offered_is_a_comment_altogether():
    lines = [Line(("columns",), [f"column_{n}" for n in range(30)])]
    text = to_toml([Section("", []), Section("test", lines, only_offered=True)], [], [])
    assert all(line.startswith("# ") for line in text.split("\n") if line)
    assert tomllib.loads("".join(line.removeprefix("# ") + "\n" for line in text.split("\n")))["test"]["columns"][29]


def test_long_comments_are_cut():
    text = to_toml([Section("", [], ["x" * 1000])], [], [])
    assert len(text) < 310


def test_printable_escapes_what_a_terminal_obeys():
    assert printable("a\x1b[31m\u202eb\n") == "a\\u001b[31m\\u202eb\\n"


def test_texts_of_a_line_are_what_may_be_columns():
    assert Line(("lists", "genres"), "|").texts == ("genres", "|")
    assert Line(("text",), ("title", "about")).texts == ("title", "about")
    assert Line(("history",), True).texts == ()
