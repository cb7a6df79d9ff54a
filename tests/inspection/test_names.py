import pytest

from nightschool.inspection.names import Topic, head_of, is_about, mentions, names_an_id, words_of


@pytest.mark.parametrize("name", ["user_id", "userId", "User ID", "USER-ID", "userid", "user.id"])
def test_words_are_found_however_they_are_joined(name):
    assert words_of(name) == ["user", "id"]


def test_words_that_only_end_like_an_id_stay_whole():
    assert words_of("paid_grid") == ["paid", "grid"]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("id_student", "student"),
        ("user_handle", "user"),
        ("user_assessment_date", "date"),
        ("User full name", "user"),
        ("id", "id"),
        ("Number of students", "of"),
        ("ratings_count", "count"),
        ("", ""),
    ],
)
def test_head_is_what_the_name_is_about(name, head):
    assert head_of(name) == head


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("learnerId", Topic.USER),
        ("customers", Topic.USER),
        ("movieId", Topic.ITEM),
        ("courses", Topic.ITEM),
        ("user_assessment_score", Topic.RATING),
        ("created_at", Topic.TIME),
        ("Event name", Topic.EVENT),
        ("is_liked", Topic.LIKED),
        ("course_title", Topic.TITLE),
        ("categories", Topic.LABEL),
        ("imd_gender", Topic.ATTRIBUTE),
        ("Bewertung", Topic.RATING),
    ],
)
def test_topics_are_told_by_name(name, topic):
    assert is_about(name, topic)


@pytest.mark.parametrize("name", ["user_date", "n_users_count", "number of users", "average user"])
def test_names_about_something_else_name_no_user(name):
    assert not is_about(name, Topic.USER)
    assert mentions(name, Topic.USER)


def test_ids_are_told_by_name():
    assert names_an_id("id_student")
    assert names_an_id("user_handle")
    assert not names_an_id("student")


def test_parts_of_a_file_name_tell_a_holdout():
    assert mentions("u1.test", Topic.HOLDOUT)
    assert mentions("log/valid-2024.csv", Topic.HOLDOUT)
    assert not mentions("latest.csv", Topic.HOLDOUT)
