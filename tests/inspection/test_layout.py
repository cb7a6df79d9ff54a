import pytest

from nightschool.data.readers.heads import read_head
from nightschool.data.readers.parsing import RAW
from nightschool.errors import DataRefused
from nightschool.inspection.layout import split_into_layout
from tests.inspection.conftest import lines


@pytest.fixture
def layout_of(put):
    def layout(*rows):
        file = put("f.txt", lines(*rows))
        return split_into_layout(file, read_head(file))

    return layout


@pytest.mark.parametrize(
    ("row", "separator", "n_fields"),
    [
        ("1::20::3", "::", 3),
        ("1\t20\t3", "\t", 3),
        ("1;20;3,5", ";", 3),
        ("1|Toy, Story|x", "|", 3),
        ("1,2024-01-01 10:00:00,3", ",", 3),
        ('1,"a, b",3', ",", 3),
        ("1 20 3", " ", 3),
    ],
)
def test_separator_is_the_one_that_cuts_best(layout_of, row, separator, n_fields):
    layout = layout_of(row, row, row)
    assert (layout.separator, len(layout.columns), layout.header) == (separator, n_fields, False)
    assert layout.columns[0] == "column_1"
    assert len(layout.rows) == 3


def test_decimal_commas_do_not_separate(layout_of):
    assert layout_of("7;1,5;2,5", "8;2,5;3,5").separator == ";"


def test_records_that_go_on_over_a_line_end_count_once(layout_of):
    layout = layout_of("id,text", '1,"one', 'and more"', "2,two", *(f"{n},n" for n in range(3, 30)))
    assert layout.header
    assert layout.rows[RAW].struct.field("text")[0] == "one\nand more"


@pytest.mark.parametrize(
    ("rows", "header", "why"),
    [
        (("user,rating", "ann,3", "ben,4"), True, "'rating' is no value of the column below it"),
        (("ann,3", "ben,4"), False, "the first line holds values, such as '3'"),
        (("learner,course", "ann,maths", "ben,maths"), True, "'learner' is the name of a column"),
        (("ann,maths", "ben,maths"), False, "the first line looks like the others"),
        (("x;2024-01-01", "y;2024-01-02"), False, "the first line holds values, such as '2024-01-01'"),
        (("a;b", "ann;2024-01-01", "ben;2024-01-02"), True, "'b' is no value of the column below it"),
    ],
)
def test_header_is_told_from_what_stands_below(layout_of, rows, header, why):
    layout = layout_of(*rows)
    assert (layout.header, layout.whys["header"]) == (header, why)
    assert len(layout.rows) == len(rows) - header


@pytest.mark.parametrize(
    "rows",
    [
        ("one", "value", "a line"),
        ("This is prose, of several words.", "It has, as prose does, commas", "and ends"),
        ("1,2", "1,2,3", "4", "5,6,7,8"),
    ],
)
def test_no_layout_fits_what_is_no_table(layout_of, rows):
    assert layout_of(*rows) is None


def test_column_named_twice_is_refused(layout_of):
    with pytest.raises(DataRefused, match="names a column twice: 'id'"):
        layout_of("id,id,rating", "1,2,3", "1,3,4")


def test_blank_first_line_is_refused(layout_of):
    with pytest.raises(DataRefused, match="begins with a blank line"):
        layout_of("", "id,rating", "1,2")


def test_quotes_that_stand_alone_enclose_nothing(layout_of):
    rows = ["1\t7\tgood", '2\t8\t5" wide', '3\t9\t"odd', "4\t7\t", '5\t8\tsee this"']
    layout = layout_of("user\titem\tnote", *rows * 40)
    assert (layout.quotes, len(layout.rows), layout.rows["reason"].null_count()) == (False, 200, 200)
    assert "quote" in layout.whys


@pytest.mark.parametrize("row", ['1,"a, b",3', '1,"5"" wide",3', '1,"two\nlines",3', '1,5" wide,3'])
def test_quotes_that_enclose_fields_do_so(layout_of, row):
    assert layout_of("user,item,note", *[row, "2,x,4"] * 20, '3,"odd,5').quotes == (row != '1,5" wide,3')


def test_blanks_around_names_are_no_part_of_them(layout_of):
    assert layout_of(" user ,item\u00a0", "1,7", "2,8").columns == ("user", "item")
