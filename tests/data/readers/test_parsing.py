import csv
import io
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import DETAIL, REASON, ROW
from nightschool.data.readers.parsing import RAW, open_lines, split_csv, split_header, split_jsonl, to_lines


def rows(frame: pl.DataFrame) -> list[tuple[str | None, ...]]:
    return frame.filter(pl.col(REASON).is_null())[RAW].struct.unnest().rows()


def parse(text: str, columns: tuple[str, ...] = ("a", "b"), separator: str = ",") -> pl.DataFrame:
    return split_csv(to_lines(text.encode()), columns, separator)


def test_lines_lose_their_ends_of_either_kind():
    assert to_lines(b"a\r\nb\n\nc").to_list() == ["a", "b", "", "c"]


def test_fields_stand_in_their_columns():
    assert rows(parse("1,x\n2,\n")) == [("1", "x"), ("2", "")]


def test_separator_may_have_several_characters():
    assert rows(parse('1::a:b\n2::"q"\n', separator="::")) == [("1", "a:b"), ("2", '"q"')]


@pytest.mark.parametrize("separator", ["|", ".", "^", "\\", "]", "-", "\t", " ", ";"])
def test_separator_is_taken_literally(separator):
    text = f'1{separator}"x{separator}y"\n2{separator}z\n'
    assert rows(parse(text, separator=separator)) == [("1", f"x{separator}y"), ("2", "z")]


def test_quotes_hold_separators_quotes_and_line_ends():
    assert rows(parse('1,"x,""y"""\n2,"two\n\nlines"\n3,5" wide\n')) == [
        ("1", 'x,"y"'),
        ("2", "two\n\nlines"),
        ("3", '5" wide'),
    ]


def test_blank_lines_hold_no_row():
    assert rows(parse("\n1,x\n  \n\n2,y\n\n")) == [("1", "x"), ("2", "y")]


def test_wrong_number_of_fields_is_told_with_the_line():
    frame = parse("1,x\n2\n3,y,z\n")
    assert frame[REASON].to_list() == [None, "wrong_field_count", "wrong_field_count"]
    assert frame[DETAIL].to_list() == [None, "1 fields where 2 are expected", "3 fields where 2 are expected"]
    assert [row and json.loads(row) for row in frame[ROW]] == [None, {"line": "2"}, {"line": "3,y,z"}]


def test_lone_quote_costs_one_row():
    frame = parse('1,"x\n2,y\n3,z\n')
    assert frame[REASON].to_list() == ["bad_quoting", None, None]
    assert rows(frame) == [("2", "y"), ("3", "z")]


def test_field_that_holds_whole_rows_is_taken_line_by_line():
    frame = parse('1,"x\n2,y\n3,see this"\n4,z\n')
    assert frame[REASON].to_list() == ["lone_quote", None, None, None]
    assert rows(frame) == [("2", "y"), ("3", 'see this"'), ("4", "z")]
    assert json.loads(frame[ROW][0]) == {"line": '1,"x'}


def test_rows_within_a_text_in_the_first_column_are_told_by_their_numbers():
    text = 'ok,1,17\n"lone,2,17\nfine,3,18\nwide",4,19\n'
    frame = split_csv(to_lines(text.encode()), ("text", "item", "at"), ",")
    assert frame[REASON].to_list() == [None, "lone_quote", None, None]
    assert rows(frame) == [("ok", "1", "17"), ("fine", "3", "18"), ('wide"', "4", "19")]


@pytest.mark.parametrize("text", ['ok,1,17\n"a, b, c\nd, e, f",2,17\n', 'ok,x,y\n"a,b,c\nd",e,f\n'])
def test_lines_of_a_text_in_the_first_column_are_no_rows(text):
    assert split_csv(to_lines(text.encode()), ("text", "item", "at"), ",")[REASON].to_list() == [None, None]


@pytest.mark.parametrize(
    "text",
    ['1,"Dear all,\nsee, please\n1,2"\n', '1,"x\n\n2,y"\n', '"1","x\n2,y"\n', '1,"a\nb,c"\n', '1,"a\n2 3,c"\n'],
)
def test_lines_of_a_text_are_no_rows(text):
    assert parse(text)[REASON].to_list() == [None]


def test_texts_of_which_few_could_be_rows_are_texts():
    assert parse('1,"x\n2,y"\n' + '3,"x\ny"\n' * 2)[REASON].to_list() == [None] * 3


def test_a_quote_may_be_a_letter_like_others():
    frame = split_csv(to_lines(b'1,"x\n2,5" wide\n3,"y"\n'), ("a", "b"), ",", quotes=False)
    assert rows(frame) == [("1", '"x'), ("2", '5" wide'), ("3", '"y"')]
    assert split_header('a,"b', ",", quotes=False) == ["a", '"b']


def test_text_behind_a_closing_quote_is_bad_quoting():
    assert parse('1,"x"y\n')[REASON].to_list() == ["bad_quoting"]


def test_open_record_waits_for_its_end():
    assert open_lines(to_lines(b'1,x\n2,"a\nb\n'), ",") == 2
    assert open_lines(to_lines(b'1,x\n2,"a\nb"\n'), ",") == 0
    assert open_lines(to_lines(b"1,x\n"), ",") == 0
    assert open_lines(to_lines(b'1::"x\n'), "::") == 0


def test_header_is_split_like_a_row():
    assert split_header('user,"the item"', ",") == ["user", "the item"]
    assert split_header("", ",") == []


def test_no_lines_make_no_rows():
    assert parse("").height == 0
    assert split_jsonl(to_lines(b""), ("a",)).height == 0


def test_jsonl_gives_text_and_lists_as_json():
    text = '{"id": 7, "tags": ["x \\"y\\"", "z"], "more": 1}\n\n{"id": "b", "tags": null}\n'
    assert rows(split_jsonl(to_lines(text.encode()), ("id", "tags"))) == [("7", '["x \\"y\\"","z"]'), ("b", None)]


def test_a_path_of_keys_leads_into_objects_and_a_key_with_a_dot_wins():
    text = (
        '{"by": {"user": {"id": 5}}, "x": 1}\n{"by.user.id": 6, "by": {"user": {"id": 7}}}\n'
        '{"by": {"user": {"id": "a\\"b"}}}\n{"by": {"user": {"id": ["x\\"", 1]}}}\n'
        '{"by": 3}\n{"by": {"user": {"id": null}}}\n'
    )
    found = rows(split_jsonl(to_lines(text.encode()), ("by.user.id",)))
    assert found == [("5",), ("6",), ('a"b',), ('["x\\"",1]',), (None,), (None,)]


def test_line_that_is_no_object_is_bad_json():
    frame = split_jsonl(to_lines(b'{"id": 1}\n{"id": \n[1]\nhello\n'), ("id",))
    assert frame[REASON].to_list() == [None, "bad_json", "bad_json", "bad_json"]
    assert json.loads(frame[ROW][3]) == {"line": "hello"}
    assert json.loads(frame[ROW][0]) == {"id": 1}


FIELD = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x00", exclude_categories=("Zl", "Zp", "Cc")), max_size=6
)


@given(st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=8))
def test_what_a_csv_writer_quotes_is_read_back(table):
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    assert rows(parse(target.getvalue(), ("a", "b", "c"))) == table


@given(st.lists(st.tuples(FIELD, st.text('ab",\n ', max_size=6)), max_size=8))
def test_quoted_line_ends_are_read_back(table):
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    read = rows(parse(target.getvalue()))
    assert read == table


@given(st.text('ab",\n\r ', max_size=60))
def test_no_letter_is_lost_however_broken_the_quoting(text):
    frame = parse(text)
    told = [json.loads(row)["line"] for row in frame[ROW].drop_nulls()]
    found = "".join(field for row in rows(frame) for field in row if field) + "".join(told)
    assert found.count("a") == text.count("a")
    assert found.count("b") == text.count("b")
    assert frame[REASON].count() == len(told)


@pytest.mark.parametrize("number", ["9" * 39, "-" + "9" * 400])
def test_whole_number_beyond_128_bits_costs_its_line(number):
    lines = pl.Series([f'{{"a": {number}}}', '{"a": 1}', f'{{"b": [{number}], "a": 1}}', f'{{"a": "x: {number} ,"}}'])
    rows = split_jsonl(lines, ("a",))
    assert rows["reason"].to_list() == ["bad_json", None, "bad_json", None]
    assert rows["raw"].struct.field("a").to_list() == [None, "1", None, f"x: {number} ,"]
