from nightschool.inspection.looks import Family, families_of, look_at
from tests.inspection.conftest import lines


def test_look_profiles_every_column(put):
    look = look_at(put("log.csv", lines("user,at", "1,2024-01-01", "2,2024-01-02")))
    assert [column.name for column in look.columns] == ["user", "at"]
    assert (look.rows, look.whole, look.invented, look.format.kind) == (2, True, False, "csv")
    assert look.column("at").distinct == 2
    assert look.column("nowhere") is None


def test_repeats_are_rows_that_are_equal_altogether(put):
    look = look_at(put("a.csv", lines("user,item", "1,2", "1,3", "1,4", "1,5")))
    assert look.repeats(look_at(put("b.csv", lines("user,item", "1,5", "2,2")))) == 0.25
    assert look.repeats(look_at(put("c.csv", lines("user,thing", "2,1")))) == 0.0


def test_families_are_of_one_name_and_one_form(put):
    names = {
        "e-1.csv": lines("user,item", "1,2"),
        "e-2.csv": lines("user,item", "1,3"),
        "e-3.csv": lines("user;item", "1;4"),
        "f.csv": lines("user,item", "1,5"),
    }
    families = families_of([look_at(put(name, text)) for name, text in names.items()])
    assert [family.file_names for family in families] == [["e-1.csv", "e-2.csv"], ["e-3.csv"], ["f.csv"]]
    assert [family.name for family in families] == ["e-*.csv", "e-3.csv", "f.csv"]


def test_family_speaks_for_all_its_files(put):
    small = look_at(put("e-1.csv", lines("user,rating,type", "1,2,a", "2,4,b")))
    large = look_at(put("e-2.csv", lines("user,rating,type", "1,5,c", "2,3,a", "3,3,a")))
    family = Family((small, large))
    assert family.first is large
    assert family.range("rating") == (2.0, 5.0)
    assert sorted(family.levels("type")) == ["a", "b", "c"]
    assert family.bytes == sum(file.path.stat().st_size for file in family.files)


def test_parted_sets_files_without_a_column_aside(put):
    whole = look_at(put("e-1.csv", lines("id,title", "1,some words and more")))
    bare = look_at(put("e-2.csv", lines("id,x", "2,y")))
    family, lacking = Family((whole, bare)).parted()
    assert (family.looks, lacking) == ((whole,), [bare])
