from pathlib import Path

from nightschool.storage.store_names import fetch_order, is_commit, is_of_releases, put_order

NAMES = [
    "lake/releases/_delta_log/00000000000000000001.json",
    "lake/users/_delta_log/_last_checkpoint",
    "lake/users/_delta_log/00000000000000000007.checkpoint.parquet",
    "lake/users/_delta_log/00000000000000000007.json",
    "lake/sources/_delta_log/00000000000000000003.json",
    "lake/users/a.parquet",
    "lake/releases/b.parquet",
    "serving/r/search.db",
]


def test_commits_are_those_of_logs() -> None:
    assert [name for name in NAMES if is_commit(name)] == [NAMES[0], NAMES[3], NAMES[4]]
    assert not is_commit("mlartifacts/run/model.json")
    assert [name for name in NAMES if is_of_releases(name)] == [NAMES[0]]


def test_what_is_fetched_can_be_read_at_any_time() -> None:
    found = sorted(NAMES, key=fetch_order)
    assert set(found[:3]) == {"lake/users/a.parquet", "lake/releases/b.parquet", "serving/r/search.db"}
    assert found[3].endswith("checkpoint.parquet")
    assert found[-2].endswith("_last_checkpoint")
    assert found[-1] == NAMES[0]


def test_commits_are_put_as_they_were_made_and_checkpoints_after_them(tmp_path: Path) -> None:
    for name in [*NAMES[5:], NAMES[3], NAMES[4], *NAMES[:3]]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    found = sorted(NAMES, key=lambda name: put_order(name, tmp_path / name))
    assert found[3:5] == [NAMES[3], NAMES[4]]
    assert [name.rsplit("/", 1)[1][-10:] for name in found[5:7]] == ["nt.parquet", "checkpoint"]
    assert found[-1] == NAMES[0]
