from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.simulator import damage
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate

SIZE = {"users": 400, "items": 200, "interactions": 4_000}
FAULTS = {
    "users.csv": damage.USER_FAULTS,
    "content.csv": damage.CONTENT_FAULTS,
    "engagements.csv": damage.ENGAGEMENT_FAULTS,
}
GONE = (damage.USER_GONE, damage.ITEM_GONE)


def lines(folder: Path, name: str) -> list[str]:
    return (folder / name).read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    simulate(SimulatorConfig(**SIZE), folder)
    return folder


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoilt")
    simulate(SimulatorConfig(damage=0.1, **SIZE), folder)
    return folder


@pytest.fixture(scope="module")
def record(spoilt: Path) -> pl.DataFrame:
    return pl.read_parquet(spoilt / damage.DAMAGE_FILE)


@pytest.mark.parametrize(("name", "n_rows"), [("users.csv", 400), ("content.csv", 200), ("engagements.csv", 4_000)])
def test_a_share_of_the_rows_is_spoilt_by_every_fault_as_often(record: pl.DataFrame, name: str, n_rows: int) -> None:
    counts = record.filter(pl.col("file") == name, ~pl.col("kind").is_in(GONE))["kind"].value_counts()
    assert counts["count"].sum() == n_rows / 10
    assert set(counts["kind"]) == {fault.kind for fault in FAULTS[name]}
    assert counts["count"].max() - counts["count"].min() <= 1


@pytest.mark.parametrize("name", FAULTS)
def test_the_other_rows_are_those_of_the_same_simulation_without_damage(
    clean: Path, spoilt: Path, record: pl.DataFrame, name: str
) -> None:
    """Orphans too stay as they were; a spoilt row differs, but that it may repeat the cell that it had."""
    before, after = lines(clean, name), lines(spoilt, name)
    assert len(before) == len(after)
    changed = {row for row, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}
    listed = record.filter(pl.col("file") == name, ~pl.col("kind").is_in(GONE))
    assert changed <= set(listed["source_row"])
    certain = listed.filter(~pl.col("kind").str.contains("missing|repeated"))
    assert changed >= set(certain["source_row"])


def test_engagements_of_a_lost_user_or_item_are_listed(clean: Path, record: pl.DataFrame) -> None:
    lost = {}
    for name in ("users.csv", "content.csv"):
        refused = record.filter(pl.col("file") == name, pl.col("reason").is_not_null())["source_row"]
        lost[name] = {lines(clean, name)[row].split(",")[0] for row in refused}
    listed = {}
    for row, line in enumerate(lines(clean, "engagements.csv")):
        user, item = line.split(",")[:2]
        if user in lost["users.csv"]:
            listed[row] = "unknown_user"
        elif item in lost["content.csv"]:
            listed[row] = "unknown_item"
    assert listed
    orphans = record.filter(pl.col("kind").is_in(GONE))
    assert dict(orphans.select("source_row", "reason").iter_rows()) == listed


def test_faults_look_as_they_are_called(spoilt: Path, record: pl.DataFrame) -> None:
    log = lines(spoilt, "engagements.csv")
    rows = {
        kind: [log[row] for row in group["source_row"]]
        for (kind,), group in record.filter(pl.col("file") == "engagements.csv").group_by("kind")
    }
    assert all(line.startswith(",") for line in rows["missing user"])
    assert all(line.count(",") == 4 for line in rows["too few fields"])
    assert all(line.count(",") == 7 for line in rows["too many fields"])
    assert all(line.count('"') == 1 for line in rows["unpaired quote"])
    assert all(log.count(line) >= 2 for line in rows["repeated row"])
    assert max(len(line) for line in rows["overlong id"]) > 10_000
    assert all("NaN" in line for line in rows["not a number"])


def test_a_repeated_id_stands_further_up(spoilt: Path, record: pl.DataFrame) -> None:
    ids = [line.split(",")[0] for line in lines(spoilt, "users.csv")]
    repeated = record.filter(pl.col("file") == "users.csv", pl.col("kind") == "repeated id")["source_row"]
    assert len(repeated)
    assert all(ids.index(ids[row]) < row for row in repeated)


def test_the_same_seed_gives_the_same_damage(spoilt: Path, tmp_path: Path) -> None:
    simulate(SimulatorConfig(damage=0.1, **SIZE), tmp_path)
    for name in (*FAULTS, damage.DAMAGE_FILE):
        assert (tmp_path / name).read_bytes() == (spoilt / name).read_bytes()


def test_there_are_a_dozen_ways_for_the_log_alone() -> None:
    kinds = [fault.kind for fault in damage.ENGAGEMENT_FAULTS]
    assert len(set(kinds)) == len(kinds) >= 12


@settings(max_examples=15)
@given(
    st.builds(
        SimulatorConfig,
        users=st.integers(1, 40),
        items=st.integers(1, 20),
        interactions=st.integers(1, 200),
        damage=st.floats(0.01, 0.5),
        seed=st.integers(0, 2**40),
    )
)
def test_every_size_and_share_works(tmp_path_factory: pytest.TempPathFactory, config: SimulatorConfig) -> None:
    folder = tmp_path_factory.mktemp("out")
    report = simulate(config, folder)
    record = pl.read_parquet(folder / damage.DAMAGE_FILE)
    assert record.height == report.damaged
    assert record.select("file", "source_row").is_unique().all()
    for name, n_rows in (("users.csv", config.users), ("content.csv", config.items)):
        assert record.filter(pl.col("file") == name).height == round(config.damage * n_rows)
        assert len(lines(folder, name)) == 1 + n_rows
    for (_,), group in record.group_by("file"):
        assert all(above < below for above, below in pairwise(group["source_row"]))
