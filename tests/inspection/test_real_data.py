"""The real data sets, as somebody meets them who has just downloaded them."""

import pytest

from nightschool.errors import NotFound
from nightschool.inspection.draft import draft
from nightschool.inspection.survey import NOT_USED, survey
from nightschool.inspection.writing import write_manifest
from tests.inspection.conftest import NOW


@pytest.fixture
def manifest_of(data_root, tmp_path):
    def manifest(name):
        found = survey(data_root / name, NOW)
        used = {finding.file: finding.use for finding in found.findings if finding.use != NOT_USED}
        return used, write_manifest(draft(found), tmp_path / "out.toml")

    return manifest


def columns(manifest):
    (log,) = manifest.interactions
    return log.user, log.item, log.rating and log.rating.column, log.timestamp and log.timestamp.column


def test_movielens_100k(manifest_of):
    used, manifest = manifest_of("movielens-100k")
    assert used == {"u.data": "interactions", "u.item": "items", "u.user": "users"}
    assert columns(manifest) == ("user", "item", "rating", "time")
    (log,) = manifest.interactions
    assert (log.rating.min, log.rating.max, manifest.relevant.rating_min) == (1, 5, 4)
    assert (log.format.separator, log.timestamp.unit, manifest.history) == ("\t", "s", True)
    assert (manifest.items.format.separator, manifest.items.format.encoding) == ("|", "iso8859-1")
    assert (len(manifest.items.format.columns), manifest.items.title) == (24, "title")
    assert len(manifest.items.flags["flags"]) == 19
    assert manifest.users.attributes == ("column_3", "column_4")


def test_movielens_1m(manifest_of):
    used, manifest = manifest_of("movielens-1m")
    assert used == {"ratings.first487650.dat.gz": "interactions", "movies.dat": "items", "users.dat": "users"}
    assert manifest.interactions[0].format.separator == "::"
    assert (manifest.items.title, manifest.items.lists) == ("title", {"column_3": "|"})


def test_mooccubex(manifest_of):
    used, manifest = manifest_of("mooccubex")
    assert used == {"train.txt": "interactions", "course_profiles.jsonl": "items"}
    assert (manifest.score, manifest.history, manifest.interactions[0].format.kind) == ("implicit", False, "adjacency")
    assert (manifest.items.id, manifest.items.title, manifest.items.text) == ("mapped_id", "name", ("name", "about"))
    assert manifest.items.lists["teachers"] == ""


def test_oulad(manifest_of):
    used, manifest = manifest_of("oulad")
    assert used == {"studentAssessment.csv": "interactions", "assessments.csv": "items", "studentInfo.csv": "users"}
    assert columns(manifest) == ("id_student", "id_assessment", "score", None)
    assert (manifest.interactions[0].rating.max, manifest.relevant.rating_min) == (100, 67)
    assert "assessment_type" in manifest.items.categories


def test_pluralsight(manifest_of):
    used, manifest = manifest_of("pluralsight")
    assert used == {"user_assessment_scores.csv": "interactions"}
    assert columns(manifest) == ("user_handle", "assessment_tag", "user_assessment_score", "user_assessment_date")
    assert manifest.interactions[0].rating.max == 300


def test_goodbooks(manifest_of):
    used, manifest = manifest_of("goodbooks-10k")
    assert used == {"ratings_v1.csv.zip": "interactions", "books.csv": "items"}
    assert columns(manifest) == ("user_id", "book_id", "rating", None)
    assert manifest.items.title == "title"


def test_ids_that_bear_the_right_name_and_do_not_join_are_not_taken(data_root, tmp_path):
    for name in ("ratings_v1.csv.zip", "books_v1.csv.zip"):
        (tmp_path / name).symlink_to(data_root / "goodbooks-10k" / name)
    items = survey(tmp_path, NOW).match.items
    assert items is not None
    assert (items.key.name, items.family.name) == ("id", "books_v1.csv.zip")


def test_gowalla(manifest_of):
    used, manifest = manifest_of("gowalla")
    assert used == {"train.txt": "interactions"}
    assert (manifest.items, manifest.users, manifest.test) == (None, None, None)


def test_catalogue_without_users_says_what_is_missing(data_root):
    with pytest.raises(NotFound, match=r"holds interactions.*Online_Courses\.csv: 8092 rows"):
        survey(data_root / "online-courses", NOW)
