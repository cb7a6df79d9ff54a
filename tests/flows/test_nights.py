"""Whole nights on a small platform: what is published, what is refused, and what stays then."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import polars as pl
import pytest

from flows.retrain import retrain
from flows.rollback import rollback
from models.catalog import build
from nightschool.application.home import open_home
from nightschool.application.tracking import registry
from nightschool.columns import INTERACTIONS, ITEM_ID, RANK, RECOMMENDATIONS, SCORE, SOURCE, USER_ID
from nightschool.errors import Busy, ConfigurationError, GateRefused, NightschoolError, NotFound
from nightschool.evaluation.evaluate import evaluate
from nightschool.night.gates import Gate, ProposedLists, ask_table_gates
from nightschool.notebook import open_release
from nightschool.recipe import Component, Recipe
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.home import Home
from nightschool.storage.release_reader import Reader
from nightschool.vocabulary import AUDIENCE_LIST
from tests.flows.platforms import CONFIG, N_ITEMS, N_USERS, SEEN_ALL, Platform, make_platform

pytestmark = pytest.mark.usefixtures("prefect_api")

TOO_LARGE = {"ease": {"max_gigabytes": 1e-9}}

Night = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def platform(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    assert prefect_api
    return make_platform(tmp_path_factory.mktemp("platform"))


@pytest.fixture(autouse=True)
def _sources_may_be_edited_while_tests_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.application.opening.code_version", lambda: "code")


@pytest.fixture
def source(platform: Platform, tmp_path: Path) -> Path:
    return shutil.copytree(platform.source, tmp_path / "source")


@pytest.fixture
def night(platform: Platform, home: Path, source: Path) -> Night:
    """Runs a night in a copy of the platform's home, configured as the first one but for what is named."""
    shutil.copytree(platform.home, home)

    def run(*, force: bool = False, dry_run: bool = False, **changes: Any) -> dict[str, Any]:
        config = CONFIG.model_copy(update=changes)
        return retrain("learning", source, config=config, force=force, dry_run=dry_run)

    return run


@pytest.fixture
def grow(platform: Platform, source: Path) -> Callable[[int], None]:
    """Adds the next n events to the source files."""
    later = iter(platform.later)

    def add(n: int) -> None:
        with (source / "engagements.csv").open("ab") as file:
            file.writelines(next(later) for _ in range(n))

    return add


def history(home: Home) -> list[tuple[str, str]]:
    return [(row.status, row.release_id) for row in home.releases.history()]


def current() -> str:
    return Reader.of(open_home()).release.release_id


def gates_of_damaged_lists(proposed: ProposedLists, _defects: object) -> list[Gate]:
    return ask_table_gates(replace(proposed, lists=pl.concat([proposed.lists, proposed.lists.head(1)])))


def refuse(*_: object) -> NoReturn:
    pytest.fail("the night fits a model that it need not fit")


# What is published


def test_planted_preferences_are_learnt_and_lists_are_personal(platform: Platform, night: Night) -> None:
    report = platform.report
    assert (report["status"], report["decision"]) == ("published", "first")
    assert "beats popularity and is the first champion" in report["sentence"]
    home = open_home()
    assert history(home) == [("published", report["release_id"])]
    assert registry(home).champion() == report["release_id"]
    tops = Reader.of(home).table(RECOMMENDATIONS).filter(pl.col(RANK) == 1).collect()
    assert tops[ITEM_ID].n_unique() > 20
    assert not any(home.paths.nights.glob("*"))


def test_lists_hold_every_unseen_item_and_who_has_seen_all_has_none(night: Night) -> None:
    home = open_home()
    lists = Reader.of(home).table(RECOMMENDATIONS).select(USER_ID, ITEM_ID).collect()
    seen = home.lake.scan(INTERACTIONS).select(USER_ID, ITEM_ID).unique().collect()
    assert seen.join(lists, on=[USER_ID, ITEM_ID], how="semi").is_empty()
    assert lists.height + seen.height == N_USERS * N_ITEMS
    assert SEEN_ALL not in lists[USER_ID]


def test_without_preferences_popularity_is_published(platform: Platform, home: Path, tmp_path: Path) -> None:
    simulate(SimulatorConfig(users=400, items=N_ITEMS, interactions=12_000, mode="independent"), tmp_path / "null")
    home.mkdir()
    shutil.copy(platform.home / "mlflow.db", home)
    config = CONFIG.model_copy(update={"min_users": 200, "window_days": 28})
    report = retrain("learning", tmp_path / "null", config=config)
    assert report["sentence"] == "nothing beats popularity: the data hold no preference to learn"
    assert (report["decision"], report["protocol"], report["warnings"]) == ("popularity", "temporal", [])
    assert report["roles"][0]["n_users"] >= 200
    assert Reader.of(open_home()).release.recipe["components"][0]["model"] == "popularity"


def test_the_same_night_again_was_published_already(
    platform: Platform, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.refit.build", refuse)
    report = night()
    assert (report["status"], report["release_id"]) == ("already published", platform.report["release_id"])
    assert history(open_home()) == [("published", platform.report["release_id"])]


def test_a_dry_run_publishes_nothing_and_leaves_nothing(platform: Platform, night: Night) -> None:
    report = night(dry_run=True, k=5)
    assert (report["status"], report["release_id"]) == ("dry run", None)
    home = open_home()
    assert history(home) == [("published", platform.report["release_id"])]
    assert registry(home).champion() == platform.report["release_id"]
    assert not any(home.paths.nights.glob("*"))


def test_a_candidate_that_fails_is_left_out(night: Night) -> None:
    report = night(params=TOO_LARGE, tune="now")
    assert report["status"] == "published"
    assert list(report["failures"]) == ["ease"]
    assert "max_gigabytes" in report["failures"]["ease"]
    tried = [candidate["name"] for candidate in report["candidates"]]
    assert tried[:2] == ["popularity", "content"]
    assert set(tried[2:]) <= {"blend(popularity, content)", "blend(content, popularity)"}


# What is refused


def test_when_all_candidates_fail_the_last_release_stays(platform: Platform, night: Night) -> None:
    with pytest.raises(NightschoolError, match="no candidate could be trained") as failure:
        night(models=("ease",), params=TOO_LARGE, tune="now")
    assert failure.value.exit_code == 1
    assert current() == platform.report["release_id"]


def test_a_late_bad_batch_is_set_aside_and_changes_nothing(platform: Platform, night: Night, source: Path) -> None:
    with (source / "engagements.csv").open("a") as file:
        file.writelines("1,999,2025-06-01T10:00:00Z,viewed,600,true\n" for _ in range(50))
    before = open_home().lake.scan(INTERACTIONS).collect()
    report = night()
    assert (report["status"], report["release_id"]) == ("already published", platform.report["release_id"])
    assert any("engagements.csv was left out (set aside)" in warning for warning in report["warnings"])
    assert any("unknown_item 50" in warning for warning in report["warnings"])
    assert open_home().lake.scan(INTERACTIONS).collect().equals(before)
    assert history(open_home()) == [("published", platform.report["release_id"])]


def test_a_table_gate_refuses_once_and_for_all(
    platform: Platform, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.recommend.ask_table_gates", gates_of_damaged_lists)
    with pytest.raises(GateRefused, match=r"repeated items in a list \(saw 1"):
        night(k=5)
    first, refused = history(open_home())
    assert first == ("published", platform.report["release_id"])
    assert refused[0] == "refused"
    assert current() == registry(open_home()).champion() == platform.report["release_id"]
    assert not any(open_home().paths.nights.glob("*"))

    monkeypatch.setattr("tasks.recommend.ask_table_gates", ask_table_gates)
    with monkeypatch.context() as patch:
        patch.setattr("tasks.refit.build", refuse)
        with pytest.raises(GateRefused, match=f"night {refused[1]} was refused before"):
            night(k=5)
    assert history(open_home()) == [first, refused]
    assert night(k=5, force=True)["status"] == "published"


HOLDER = """
import sys
from pathlib import Path
from nightschool.storage.lock import home_lock
with home_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_home_that_another_process_holds_is_busy(platform: Platform, night: Night, home: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(home / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"home {home} is locked; saw 'process {holder.pid}'"):
            night()
        assert current() == platform.report["release_id"]
        holder.communicate()
    assert night()["status"] == "already published"


def test_a_home_takes_no_other_dataset(platform: Platform, night: Night, source: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds dataset 'learning' and takes no other"):
        retrain("movielens-100k", source, config=CONFIG)
    assert night()["status"] == "already published"


# Going back


def test_a_rollback_holds_until_somebody_lets_nights_publish_again(
    platform: Platform, night: Night, grow: Callable[[int], None]
) -> None:
    first = platform.report["release_id"]
    grow(300)
    second = night()["release_id"]
    assert rollback(first, "the second is odd", hold=True) == {
        "release_id": first,
        "status": "published",
        "held": "the second is odd",
    }
    assert registry(open_home()).champion() == first
    with pytest.raises(GateRefused, match="on hold; saw 'the second is odd'"):
        night()

    open_home().releases.unhold()
    assert night()["status"] == "already published"
    assert current() == first
    grow(300)
    third = night()
    home = open_home()
    assert third["status"] == "published"
    assert {role["name"] for role in third["roles"]} == {"challenger", "champion", "popularity"}
    assert current() == registry(home).champion() == third["release_id"]
    published = [release_id for status, release_id in history(home) if status == "published"]
    assert published == [first, second, first, third["release_id"]]


def test_a_notebook_opens_the_release_with_the_data_as_the_night_saw_them(platform: Platform) -> None:
    opened = open_release(platform.home)
    assert opened.release_id == platform.report["release_id"]
    assert repr(opened).startswith(f"OpenRelease({opened.release_id}, T = 2")
    assert opened.config == CONFIG
    assert opened.lists[ITEM_ID].is_in(opened.dataset.item_ids.implode()).all()
    assert opened.lists.columns[:2] == [USER_ID, ITEM_ID]
    assert opened.fallback_lists.height > 0
    with pytest.raises(NotFound, match="no such table"):
        opened.table("users")
    for split in (opened.validation, opened.test):
        popularity = build(Recipe(components=[Component(model="popularity")])).fit(split.fitted, seed=CONFIG.seed)
        measured = evaluate(popularity, split, cutoffs=CONFIG.cutoffs, megabytes=256)
        stored = opened.metrics.filter(model="popularity", split=split.name, segment="all", metric="ndcg", k=10)
        assert stored["value"].to_list() == [measured.mean("ndcg", 10)]
        assert stored["n_users"].to_list() == [measured.n_users]


def test_a_release_is_fitted_again_from_its_recipe(platform: Platform) -> None:
    opened = open_release(str(platform.home), platform.report["release_id"])
    model = build(opened.recipe).fit(opened.dataset, seed=opened.config.seed)
    listed = opened.lists.filter(pl.col(RANK) == 1, pl.col(SOURCE) != AUDIENCE_LIST).sort(USER_ID)
    assert listed.height > N_USERS // 2
    again = model.recommend(listed[USER_ID], k=1).sort(USER_ID)
    assert again[SCORE].to_list() == pytest.approx(listed[SCORE].to_list(), rel=1e-5)
