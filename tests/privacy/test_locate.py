import json
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import (
    CANDIDATE_SCORES,
    INTERACTIONS,
    ITEMS,
    QUARANTINE,
    RECOMMENDATIONS,
    SIMILAR_USERS,
    SOURCE_ROW,
    USER_ID,
    USERS,
)
from nightschool.errors import NightschoolError
from nightschool.privacy.locate import RELEASED_TABLES, UserRecords
from nightschool.storage.home import Home
from tests.privacy.users import MANIFEST, NUMBERS, RELEASES, TEXTS, Users, quarantined, users_home, write


@pytest.fixture(params=[NUMBERS, TEXTS], ids=["numbers", "text"])
def users(request: pytest.FixtureRequest) -> Users:
    return request.param


@pytest.fixture
def opened(users: Users, tmp_path: Path) -> Home:
    return users_home(tmp_path / "home", users)


def test_a_user_is_found_in_every_table(opened: Home, users: Users) -> None:
    assert UserRecords(users.gone, opened.lake, MANIFEST).counts() == {
        "users": 1,
        "interactions": 2,
        "quarantine": 1,
        "shown": 1,
        "recommendations": 6,
        "candidate_scores": 2,
        "similar_users": 4,
    }
    assert UserRecords(users.near, opened.lake, MANIFEST).count(SIMILAR_USERS, RELEASES[0]) == 3
    nobody = "nobody" if isinstance(users.gone, str) else 99
    assert UserRecords(nobody, opened.lake, MANIFEST).counts() == {}


def test_release_tables_with_users_are_looked_through() -> None:
    assert RELEASED_TABLES == (RECOMMENDATIONS, CANDIDATE_SCORES, SIMILAR_USERS)


def test_who_is_removed_from_a_table_leaves_the_others(opened: Home, users: Users) -> None:
    user = UserRecords(users.gone, opened.lake, MANIFEST)
    for table in (USERS, INTERACTIONS, QUARANTINE):
        user.remove(table)
        version = opened.lake.version(table)
        user.remove(table)
        assert opened.lake.version(table) == version
    assert sorted(opened.lake.scan(USERS).collect()[USER_ID]) == sorted(users[1:])
    assert sorted(opened.lake.scan(INTERACTIONS).collect()[USER_ID]) == sorted(2 * users[1:])
    assert sorted(opened.lake.scan(QUARANTINE).collect()[SOURCE_ROW]) == [1, 2]


def test_a_neighbour_who_is_gone_lets_those_behind_move_up(opened: Home, users: Users) -> None:
    user = UserRecords(users.gone, opened.lake, MANIFEST)
    user.remove_from_releases(SIMILAR_USERS)
    for release_id in RELEASES:
        rows = opened.lake.scan(SIMILAR_USERS, release_id).collect()
        assert rows.select(USER_ID, "neighbor_id", "rank").rows() == [(users.near, users.other, 1)]
    user.remove_from_releases(RECOMMENDATIONS)
    ranks = opened.lake.scan(RECOMMENDATIONS, RELEASES[0]).sort(USER_ID, "rank").collect()["rank"].to_list()
    assert ranks == [1, 2, 3, 1, 2, 3]


def test_who_is_only_mentioned_is_nobody(tmp_path: Path) -> None:
    opened = users_home(tmp_path / "home", TEXTS)
    write(opened, QUARANTINE, [quarantined(11, {"who": "x", "what": "viewed"}), quarantined(12, {"line": "y;z"})])
    assert UserRecords("viewed", opened.lake, MANIFEST).counts() == {}
    assert UserRecords("y", opened.lake, MANIFEST).counts() == {}
    assert UserRecords("x", opened.lake, MANIFEST).counts() == {"quarantine": 1}


def found(opened: Home, users: Users, rows: list[dict[str, object]]) -> list[bool]:
    """Whether each of these quarantined rows names `gone`."""
    write(opened, QUARANTINE, rows)
    user = UserRecords(users.gone, opened.lake, MANIFEST)
    user.remove(QUARANTINE)
    left = set(opened.lake.scan(QUARANTINE).collect()[SOURCE_ROW])
    return [row["source_row"] not in left for row in rows]


def test_a_quarantined_row_names_its_user(opened: Home, users: Users) -> None:
    gone = users.gone
    assert found(
        opened,
        users,
        [
            quarantined(11, {"who": gone, "what": "x"}),
            quarantined(12, {"id": str(gone)}, USERS),
            quarantined(13, {"line": f"1;{gone};3"}),
            quarantined(14, {"who": "somebody"}),
            quarantined(15, {"who": None}, ITEMS),
            quarantined(16, {"line": "1;2;3"}),
            {**quarantined(17, {}), "row": None},
            {**quarantined(18, {}), "row": "no JSON"},
        ],
    ) == [True, True, True, False, False, False, False, False]


def test_a_quarantined_row_names_its_user_however_the_id_is_written(tmp_path: Path) -> None:
    rows = [quarantined(11, {"who": " 5\u00a0", "what": "x"}), quarantined(12, {"id": "5.0"}, USERS)]
    assert found(users_home(tmp_path / "a", Users(5, 6, 7)), Users(5, 6, 7), rows) == [True, True]
    users, home = Users("ann@x.org", "b", "c"), users_home(tmp_path / "b", Users("ann@x.org", "b", "c"))
    home.lake.append(
        QUARANTINE, pl.DataFrame([quarantined(11, {"who": "Ann@X.org"})], schema=home.lake.schema(QUARANTINE))
    )
    folding = MANIFEST.model_copy(update={"fold_case": True})
    assert UserRecords(users.gone, home.lake, folding).counts()["quarantine"] == 1 + UserRecords(
        users.gone, home.lake, MANIFEST
    ).count(QUARANTINE)


def test_a_number_elsewhere_in_a_row_is_not_the_user(tmp_path: Path) -> None:
    users = Users(5, 6, 7)
    rows = [quarantined(11, {"who": "6", "what": "5"}), quarantined(12, {"id": "5"}, ITEMS)]
    assert found(users_home(tmp_path, users), users, rows) == [False, False]


def test_a_text_elsewhere_in_a_row_is_the_user(tmp_path: Path) -> None:
    rows = [
        quarantined(11, {"who": "12:00", "what": TEXTS.gone}),
        quarantined(12, {"id": "x", "title": f"for {TEXTS.gone}"}, ITEMS),
        quarantined(13, {"who": "u2"}, detail=str(TEXTS.gone)),
        {**quarantined(14, {}), "row": json.dumps({"user": {"name": TEXTS.gone}})},
    ]
    assert found(users_home(tmp_path, TEXTS), TEXTS, rows) == [True] * 4


def test_a_table_that_cannot_be_read_is_told(opened: Home, users: Users) -> None:
    for file in (opened.lake.root / "users").rglob("*.parquet"):
        file.write_bytes(b"half")
    with pytest.raises(NightschoolError, match=r"table users cannot be read.*restore"):
        UserRecords(users.gone, opened.lake, MANIFEST).counts()
