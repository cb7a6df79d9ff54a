import pytest

from nightschool.inspection.candidates import find_candidates
from nightschool.inspection.looks import families_of, look_at
from nightschool.inspection.matching import match_entities
from tests.inspection.conftest import NOW, lines, ratings


@pytest.fixture
def match_of(put):
    def match(log, **files):
        (candidate,) = find_candidates(families_of([look_at(put("log.csv", log))]), NOW)
        looks = [look_at(put(name.replace("__", "-") + ".csv", text)) for name, text in files.items()]
        return match_entities(candidate, families_of(looks))

    return match


def reasons(match):
    return {family.name: reason for family, reason in match.reasons}


LOG = lines("user_id,item_id,rating,time", *ratings(30, 20))
BARE = lines(*ratings(30, 20))
USERS = lines("user_id,country", *(f"{n},{'AT' if n % 2 else 'DE'}" for n in range(1, 31)))
ITEMS = lines("item_id,title", *(f"{n},Part {n} of it" for n in range(1, 21)))


def test_users_and_items_are_the_files_whose_ids_join(match_of):
    match = match_of(LOG, a=USERS, b=ITEMS)
    assert (match.users.family.name, match.users.key.name) == ("a.csv", "user_id")
    assert (match.items.family.name, match.items.key.name) == ("b.csv", "item_id")
    assert "100%" in match.items.why


def test_the_values_decide_which_column_is_the_id(match_of):
    rows = [f"{n},{1000 + n},Part {n} of it" for n in range(1, 21)]
    match = match_of(LOG, items=lines("id,item_id,title", *rows))
    assert match.items.key.name == "id"


def test_the_name_decides_where_the_values_do_not(match_of):
    rows = [f"{n},{21 - n},Part {n} of it" for n in range(1, 21)]
    match = match_of(LOG, items=lines("rank,item_id,title", *rows))
    assert match.items.key.name == "item_id"


def test_ids_that_do_not_join_leave_a_file_out(match_of):
    rows = [f"{n},Part {n} of it" for n in range(11, 21)]
    match = match_of(LOG, items=lines("item_id,title", *rows))
    assert match.items is None
    assert "item_id holds those of 50% of the interactions (item_id)" in reasons(match)["items.csv"]


def test_columns_without_names_are_told_by_what_joins(match_of):
    users = lines(*(f"{n}|{'AT' if n % 2 else 'DE'}" for n in range(1, 31)))
    items = lines(*(f"{n}|Part {n} of it" for n in range(1, 21)))
    plain = match_of(BARE, u__user=users, u__item=items)
    assert (plain.users.family.name, plain.items.family.name) == ("u-user.csv", "u-item.csv")
    assert (plain.log.user.name, plain.log.item.name) == ("column_1", "column_2")
    turned = lines(*(",".join([row.split(",")[1], row.split(",")[0], *row.split(",")[2:]]) for row in ratings(30, 20)))
    swapped = match_of(turned, u__user=users, u__item=items)
    assert (swapped.log.user.name, swapped.log.item.name) == ("column_2", "column_1")


def test_files_of_ids_alone_describe_nothing(match_of):
    match = match_of(LOG, item_map=lines("item_id,code", *(f"{n},C_{n}" for n in range(1, 21))))
    assert match.items is None
    assert reasons(match)["item_map.csv"] == "it holds ids and nothing that describes them"


def test_the_file_that_says_more_is_taken(match_of):
    more = lines(
        "user_id,country,role", *(f"{n},{'AT' if n % 2 else 'DE'},{'a' if n % 3 else 'b'}" for n in range(1, 31))
    )
    match = match_of(LOG, users=USERS, people=more)
    assert match.users.family.name == "people.csv"
    assert reasons(match)["users.csv"] == "its ids join, but other files say more"


def test_one_file_is_not_users_and_items_at_once(match_of):
    both = lines("id,title,country", *(f"{n},Part {n} of it,{'AT' if n % 2 else 'DE'}" for n in range(1, 31)))
    match = match_of(LOG, both=both)
    assert (match.users is None) != (match.items is None)


def test_files_of_a_family_must_have_all_columns(match_of):
    match = match_of(LOG, items__1=ITEMS, items__2=lines("item_id,name", "21,Part 21 of it"))
    assert match.items.family.file_names == ["items-1.csv"]
    assert reasons(match)["items-2.csv"] == "has not all columns of items-1.csv"


def test_ids_that_repeat_a_little_are_told_and_often_are_no_ids(match_of):
    few = lines("item_id,title", *(f"{n},Part {n} of it" for n in [*range(1, 21), 20]))
    assert "5% of its rows repeat an id" in match_of(LOG, items=few).items.why
    often = lines("item_id,title", *(f"{n},Part {n} of it" for n in [*range(1, 21), *range(1, 6)]))
    match = match_of(LOG, items=often)
    assert match.items is None
    assert reasons(match)["items.csv"] == "no column holds ids that are all different"


def test_file_that_cannot_be_read_to_its_end_is_left_out(match_of, monkeypatch):
    monkeypatch.setattr("nightschool.data.readers.heads.BLOCK_BYTES", 2000)
    rows = lines("item_id,title", *(f"{n},Part {n} of it" for n in range(400, 0, -1)))
    assert match_of(LOG, items=rows).items.key.name == "item_id"
    match = match_of(LOG, items=rows.encode().replace(b"\n9,Part", b"\n9,\xff"))
    assert match.items is None
    assert "not utf-8" in reasons(match)["items.csv"]
