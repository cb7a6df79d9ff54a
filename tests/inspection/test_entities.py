import polars as pl

from nightschool.inspection.entities import item_lines, user_lines
from nightschool.inspection.profiles import profile

N = 30


def columns(values):
    return [profile(name, pl.Series([given[row % len(given)] for row in range(N)])) for name, given in values.items()]


def items(values, invented=False):
    key, *rest = columns({"id": [str(n) for n in range(N)], **values})
    return {".".join(line.key): line.value for line in item_lines(key, [key, *rest], invented=invented)}


def users(values):
    key, *rest = columns({"id": [str(n) for n in range(N)], **values})
    return {".".join(line.key): line.value for line in user_lines(key, [key, *rest])}


TITLES = [f"Lesson {n} of many" for n in range(N)]
PROSE = [f"In these {n} units you learn what there is to know of it." for n in range(N)]


def test_what_an_item_is_about():
    found = items(
        {
            "title": TITLES,
            "summary": PROSE,
            "subject": ["maths", "art"],
            "difficulty": ["Beginner", "Advanced", "Intermediate"],
            "genres": ["Comedy|Drama", "Drama", "War|Drama"],
            "image_url": [f"https://example.org/a/picture/of/some/thing/number {n}" for n in range(N)],
            "price": ["1.5", "2"],
            "meta": [{"a": 1}],
        }
    )
    assert found == {
        "title": "title",
        "text": ["title", "summary"] if isinstance(found["text"], list) else ("title", "summary"),
        "categories": ["subject"],
        "ordinals.difficulty": ("Beginner", "Intermediate", "Advanced"),
        "lists.genres": "|",
    }


def test_shortest_of_several_titles():
    assert items({"original_title": TITLES, "title": TITLES})["title"] == "title"
    assert items({"course_name": TITLES})["title"] == "course_name"


def test_title_without_names_is_the_first_text_that_differs():
    found = items({"column_2": ["maths", "art"], "column_3": TITLES, "column_4": PROSE}, invented=True)
    assert found["title"] == "column_3"
    assert found["text"] == ("column_3", "column_4")


def test_text_without_a_title():
    assert items({"about": PROSE}) == {"text": ["about"]}


def test_flags_are_columns_of_0_and_1():
    found = items({"a": ["0", "1"], "b": ["1", "0"], "c": ["0"], "paid": ["true", "false"]})
    assert found == {"flags.flags": ["a", "b", "c"]}
    named = items({"a": ["0", "1"], "b": ["1", "0"], "flags": ["0", "1"]})
    assert named == {"flags.flag_list": ["a", "b", "flags"]}


def test_two_flags_make_no_list():
    assert items({"a": ["0", "1"], "b": ["1", "0"]}) == {}


def test_levels_need_an_order_that_holds_them_all():
    assert items({"size": ["low", "high", "odd"]}) == {"categories": ["size"]}


def test_columns_that_would_bear_the_name_of_another_are_left_out():
    assert items({"item_id": ["maths", "art"], "text": ["a", "b"], "item_index": ["c", "d"]}) == {}
    assert users({"user_id": ["maths", "art"], "available_at": ["a", "b"], "": ["c", "d"]}) == {}


def test_attributes_begin_with_the_likeliest_audience():
    found = users(
        {
            "age": ["25", "35", "45"],
            "style": ["visual", "verbal"],
            "zip": [f"A-{n}" for n in range(N)],
            "department": ["Sales", "Legal"],
            "interests": ["a|b", "b", "c|b"],
            "joined": ["13.03.2024"],
        }
    )
    assert found == {"attributes": ["department", "style", "age"], "lists.interests": "|"}


def test_nothing_to_say_of_ids_alone():
    assert items({"code": [f"C_{n}" for n in range(N)]}) == {}
    assert users({"code": [f"C_{n}" for n in range(N)]}) == {}


def test_lists_of_numbers_are_vectors():
    found = items({"title": TITLES, "image": [[0.5, 0.25], [1.0, 0.0]], "sound": ["[0.5, 1]", "[0.25, 0]"]})
    assert found["vectors"] == ["image", "sound"]
    assert "lists.sound" not in found
