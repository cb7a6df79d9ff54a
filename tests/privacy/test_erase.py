from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import (
    HISTORIES,
    INTERACTIONS,
    NIGHTS,
    RECOMMENDATIONS,
    RELEASE_TABLES,
    RELEASES,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    SOURCES,
    USER_ID,
)
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.errors import NotFound
from nightschool.ingest.ledger import Ledger
from nightschool.privacy.erase import begin_erasure, count_user_rows, erase_rows, erase_texts
from nightschool.privacy.locate import TABLES
from nightschool.storage.erasure_log import Erasure, Erasures, UserId, unfinished
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.nights import NightRow, Nights
from nightschool.storage.release_reader import Reader
from nightschool.storage.serving_files import ServingFile, lists_path
from nightschool.storage.verify import verify_release
from tests.privacy.users import MANIFEST, NUMBERS, TEXTS, Users, publish, users_home, write
from tests.privacy.users import RELEASES as BOTH

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(params=[NUMBERS, TEXTS], ids=["numbers", "text"])
def users(request: pytest.FixtureRequest) -> Users:
    return request.param


@pytest.fixture
def opened(users: Users, tmp_path: Path) -> Home:
    return users_home(tmp_path / "home", users)


def forget(home: Home, user_id: UserId) -> Erasure:
    erasure = begin_erasure(home, MANIFEST, user_id, NOW)
    erase_rows(home, MANIFEST, erasure)
    return erasure


def others(opened: Home, users: Users) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the near and the other one, by table; of neighbours, those between the two."""
    kept = {}
    for table in TABLES:
        rows = opened.lake.scan(table).collect()
        for name in {USER_ID, "neighbor_id"} & set(rows.columns):
            rows = rows.filter(pl.col(name).is_in(list(users[1:])))
        names = [name for name in rows.columns if name != "rank"]
        kept[table.name] = sorted(map(repr, rows.select(names).rows()))
    return kept


def bytes_with(opened: Home, user_id: UserId) -> list[Path]:
    """The files below the home that hold the id as text or as a number."""
    spelled = str(user_id).encode()
    raw = user_id.to_bytes(8, "little", signed=True) if isinstance(user_id, int) else spelled
    files = [file for file in opened.paths.root.rglob("*") if file.is_file() and file != opened.paths.erasure]
    return [file for file in files if spelled in file.read_bytes() or raw in file.read_bytes()]


def test_who_is_forgotten_is_in_no_byte_and_everybody_else_stays(opened: Home, users: Users) -> None:
    assert bytes_with(opened, users.gone)
    before, version = others(opened, users), opened.lake.version(RELEASES)
    removed = forget(opened, users.gone).removed
    assert removed == {
        "users": 1,
        "interactions": 2,
        "shown": 1,
        "quarantine": 1,
        "recommendations": 6,
        "candidate_scores": 2,
        "similar_users": 4,
    }
    assert bytes_with(opened, users.gone) == []
    before["quarantine"] = before["quarantine"][1:]
    assert others(opened, users) == before
    assert opened.lake.version(RELEASES) == version


def test_lists_that_are_served_lose_only_theirs(opened: Home, users: Users) -> None:
    forget(opened, users.gone)
    for release_id in BOTH:
        listed, history, alike = (
            ServingFile(lists_path(opened.paths.serving, release_id, table))
            for table in (RECOMMENDATIONS, HISTORIES, SIMILAR_USERS)
        )
        assert [lists.columns_of(users.gone) for lists in (listed, history, alike)] == [None] * 3
        for user in users[1:]:
            assert listed.columns_of(user)["item_id"] == [1, 2, 3]
            assert history.columns_of(user)["item_id"] == [5, 6]
        left = alike.columns_of(users.near)
        assert (left["neighbor_id"], left["rank"]) == ([users.other], [1])


def test_histories_that_cannot_be_read_are_emptied_and_stay_damaged(opened: Home, users: Users) -> None:
    path = lists_path(opened.paths.serving, BOTH[0], HISTORIES)
    path.write_bytes(path.read_bytes()[:-64])
    forget(opened, users.gone)
    assert bytes_with(opened, users.gone) == []
    assert verify_release(opened, BOTH[0]).parts["histories.arrow"] == "damaged"
    assert verify_release(opened, BOTH[1]).parts["histories.arrow"] == "erased"


def test_releases_are_still_whole_and_known_as_erased(opened: Home, users: Users) -> None:
    assert verify_release(opened, BOTH[0]).state == "intact"
    forget(opened, users.gone)
    for release_id in BOTH:
        assert Reader.of(opened, release_id).user_list(str(users.near), 2, None)
        assert verify_release(opened, release_id).state == "erased"
    forget(opened, users.near)
    assert verify_release(opened, BOTH[0]).state == "erased"
    assert count_user_rows(opened, MANIFEST, users.other)["interactions"] == 2


def test_a_table_that_was_damaged_before_is_not_declared_sound(opened: Home, users: Users) -> None:
    rows = opened.lake.scan(RECOMMENDATIONS, BOTH[0]).collect()
    changed = rows.with_columns(pl.col("score") * 2)
    opened.lake.replace_release(RECOMMENDATIONS, BOTH[0], changed)
    forget(opened, users.gone)
    assert verify_release(opened, BOTH[0]).parts["recommendations"] == "damaged"
    assert verify_release(opened, BOTH[1]).parts["recommendations"] == "erased"
    assert bytes_with(opened, users.gone) == []


def test_what_did_not_come_to_its_end_goes(opened: Home, users: Users) -> None:
    stage = opened.paths.nights / "key" / "prepare"
    stage.mkdir(parents=True)
    (stage / "users.json").write_text(str(users.gone))
    (opened.paths.nights / "unfinished.json").write_text("{}")
    opened.lake.spool("users").add(pl.DataFrame({USER_ID: [users.gone]}))
    (lists_path(opened.paths.serving, BOTH[0]).parent / ".recommendations.arrow.1.tmp").write_text(str(users.gone))
    never = "2024-05-08-cccccccc"
    rows = opened.lake.scan(RECOMMENDATIONS, BOTH[0]).collect().with_columns(pl.lit(never).alias("release_id"))
    opened.lake.replace_release(RECOMMENDATIONS, never, rows)
    lists_path(opened.paths.serving, never).parent.mkdir()
    forget(opened, users.gone)
    assert bytes_with(opened, users.gone) == []
    assert [path.name for path in opened.paths.nights.iterdir()] == ["unfinished.json"]
    assert opened.lake.releases(RECOMMENDATIONS) == set(BOTH)
    assert sorted(path.name for path in opened.paths.serving.iterdir()) == sorted(BOTH)


def test_what_pruned_releases_left_in_the_log_goes(opened: Home, users: Users) -> None:
    for table in RELEASE_TABLES:
        opened.lake.drop_release(table, BOTH[0])
    forget(opened, users.gone)
    assert bytes_with(opened, users.gone) == []
    with pytest.raises(NotFound, match="was pruned"):
        verify_release(opened, BOTH[0])


def test_nights_and_readers_go_on_after_it(opened: Home, users: Users) -> None:
    forget(opened, users.gone)
    publish(opened, "2024-05-09-dddddddd", Users(users.near, users.other, users.other))
    current = opened.releases.current()
    assert current is not None
    assert current.release_id == "2024-05-09-dddddddd"
    assert opened.releases.rollback(BOTH[0], "back").release_id == BOTH[0]
    write(opened, SIMILAR_ITEMS, [{"release_id": BOTH[0], "item_id": 1, "neighbor_id": 2, "rank": 1, "score": 1.0}])
    with pytest.raises(NotFound, match=r"similar_items of release .* pruned or damaged; saw '1 rows of 0'"):
        opened.releases.whole(BOTH[0])


def test_somebody_who_is_not_there_is_not_found(opened: Home, users: Users) -> None:
    nobody = "nobody" if isinstance(users.gone, str) else 99
    with pytest.raises(NotFound, match="no such user; saw"):
        begin_erasure(opened, MANIFEST, nobody, NOW)
    forget(opened, users.gone)
    with pytest.raises(NotFound, match="no such user any more, forgotten on 2026-01-01"):
        count_user_rows(opened, MANIFEST, users.gone)


def test_a_tombstone_keeps_the_user_out(opened: Home, users: Users) -> None:
    tombstones = Erasures(opened.lake)
    arriving = pl.Series([users.near, users.gone], dtype=opened.lake.user_id)
    assert tombstones.mask(arriving).to_list() == [False, False]
    forget(opened, users.gone)
    assert tombstones.mask(arriving).to_list() == [False, True]


ODD = ("'; DROP TABLE users; --", 'a"b', "x\ny", "ø" * 10_000, "%_", "\\", "user_id", "null", "{}")


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_ids_of_every_kind_are_forgotten(odd: str, tmp_path: Path) -> None:
    users = Users(odd, "near", "other")
    opened = users_home(tmp_path / "home", users)
    before = others(opened, users)
    before["quarantine"] = before["quarantine"][1:]
    assert forget(opened, odd).removed["recommendations"] == 6
    assert others(opened, users) == before
    assert len(odd) < 9 or bytes_with(opened, odd) == []


class Killed(BaseException):
    """The process that stood here is gone."""


STEPS: dict[str, tuple[type, str]] = {
    "tombstone": (Erasures, "note"),
    "source tables": (Lake, "overwrite"),
    "release tables": (Lake, "replace_release"),
    "purge": (Lake, "purge"),
    "unfinished": (Lake, "clear_spools"),
}


@pytest.mark.faults
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_that_was_killed_is_finished_by_the_next_try(
    step: str, call: int, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = users_home(tmp_path / "home", TEXTS)
    erasure = begin_erasure(opened, MANIFEST, TEXTS.gone, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], dying(getattr(*STEPS[step]), call, after))
        try:
            erase_rows(opened, MANIFEST, erasure)
        except Killed:
            for release_id in BOTH:
                assert Reader.of(opened, release_id).user_list(str(TEXTS.near), 2, None)
    again = unfinished(opened.paths.erasure)
    assert again == erasure
    erase_rows(opened, MANIFEST, again)
    assert bytes_with(opened, TEXTS.gone) == []
    assert [verify_release(opened, release_id).state for release_id in BOTH] == ["erased", "erased"]
    assert opened.lake.scan(SIMILAR_ITEMS).collect().is_empty()


def dying(original: Callable[..., object], call: int, after: bool) -> Callable[..., object]:
    """The function, in whose so manieth call the process dies."""
    calls = iter(range(1, 1_000))

    def watched(*arguments: object) -> object:
        last = next(calls) == call
        if last and not after:
            raise Killed
        result = original(*arguments)
        if last:
            raise Killed
        return result

    return watched


def test_texts_forget_too(opened: Home, users: Users) -> None:
    paths = opened.paths
    pages = (paths.docs / "index.html", paths.reports / "night-1.html", paths.prefect / "storage" / "result")
    for file in (*pages, paths.logs / "worker.log"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"user {users.gone} is bad")
    (paths.logs / "server.log").write_text("started")
    erase_texts(opened, users.gone)
    texts = [
        file
        for folder in (paths.docs, paths.reports, paths.logs, paths.prefect)
        for file in folder.rglob("*")
        if file.is_file()
    ]
    assert sorted((file.name, file.read_text()) for file in texts) == [("server.log", "started"), ("worker.log", "")]


def test_a_reason_that_quotes_the_user_is_blanked(opened: Home, users: Users) -> None:
    """Why a file was set aside, or a night failed, may quote an id."""
    gone, near, _ = users
    ledger = Ledger(opened.lake, NOW)
    for name, user_id in (("a.csv", gone), ("b.csv", near)):
        about = {"reason": f"bad_rating 12, such as '{user_id}'", "detail": "{}"}
        file = SourceFile(name, Path(name))
        ledger.set_aside(INTERACTIONS, file, MANIFEST.interactions[0], Extent(1, 1, name), about)
        Nights.of(opened.paths).append(NightRow(night_id=name, started_at=NOW, ended_at=NOW, reason=about["reason"]))
    ledger.write()
    forget(opened, gone)
    for table in (SOURCES, NIGHTS):
        reasons = opened.lake.scan(table).select("reason").drop_nulls().collect().to_series().to_list()
        assert sorted(reasons) == sorted(["a user was erased", f"bad_rating 12, such as '{near}'"])
    assert bytes_with(opened, gone) == []
