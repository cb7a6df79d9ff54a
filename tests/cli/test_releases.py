from datetime import datetime
from pathlib import Path

import pytest

from nightschool.application.home import open_home
from nightschool.columns import HISTORIES, RELEASE_TABLES
from tests.cli.conftest import NIGHT, Published, Run, require_refusal

ASSIGNMENTS = [part for assignment in NIGHT for part in ("--set", assignment)]


def test_list_has_the_shape_that_scripts_rely_on(reading: Published, run: Run) -> None:
    outcome = run("releases", "list", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    (entry,) = outcome.document
    assert entry.keys() >= {"id", "status", "as_of", "created_at", "content_hashes"}
    assert (entry["id"], entry["status"]) == (reading.release_id, "published")
    assert datetime.fromisoformat(entry["as_of"]).tzinfo is not None
    assert datetime.fromisoformat(entry["created_at"]).tzinfo is not None
    files = {"search.db", "content.weights.arrow", "ease.weights.arrow"}
    assert entry["content_hashes"].keys() == {*(table.name for table in (*RELEASE_TABLES, HISTORIES)), *files}
    assert all(isinstance(value, str) and value for value in entry["content_hashes"].values())
    assert reading.release_id in run("releases", "list").out


def test_list_is_empty_before_the_first_night(run: Run, source: Path) -> None:
    assert run("ingest", "--dataset", "learning", "--source-root", source).code == 0
    assert run("releases", "list", "--json").document == []
    assert "No release yet: `nightschool retrain` makes the first." in run("releases", "list").out


def test_show_tells_recipe_gates_and_tables(reading: Published, run: Run) -> None:
    document = run("releases", "show", reading.release_id, "--json").document
    assert document["release_id"] == reading.release_id
    shown = run("releases", "show", reading.release_id).out
    for component in document["recipe"]["components"]:
        assert component["model"] in shown
    assert "catalogue coverage" in shown
    assert document["content_hashes"]["recommendations"][:16] in shown


def test_a_release_does_not_differ_from_itself(reading: Published, run: Run) -> None:
    document = run("releases", "diff", reading.release_id, reading.release_id, "--json").document
    assert (document["left"], document["right"]) == (reading.release_id,) * 2
    assert document["lists"]["users"] > 0
    assert (document["lists"]["changed"], document["lists"]["other_items"]) == (0, 0)
    assert document["lists"]["overlap"] == pytest.approx(1)
    assert document["items"] == []
    for part in ("metrics", "gates", "rows"):
        assert document[part]
        assert all(pair["left"] == pair["right"] for pair in document[part])
    shown = run("releases", "diff", reading.release_id, reading.release_id).out
    assert "mean rank-biased overlap" in shown
    assert "ndcg@10" in shown


def test_no_release_is_compared_with_one_that_is_not_there(reading: Published, run: Run) -> None:
    require_refusal(run("releases", "diff", reading.release_id, "2001-01-01-00000000"), 5, "no such release", "list")


def test_a_release_made_anew_has_the_same_hashes(reading: Published, run: Run) -> None:
    outcome = run("releases", "verify", reading.release_id, "--rebuild", "--json")
    assert outcome.code == 0
    assert outcome.document["changed"] == []
    names = {table.name for table in (*RELEASE_TABLES, HISTORIES)} - {"metrics"}
    assert outcome.document["rebuilt"] == dict.fromkeys(names, "same")
    assert "Made anew, it is the same." in run("releases", "verify", reading.release_id, "--rebuild").out


@pytest.mark.parametrize("command", ["show", "rollback"])
def test_unknown_release_is_not_found(command: str, reading: Published, run: Run) -> None:
    require_refusal(run("releases", command, "2001-01-01-00000000"), 5, "no such release", "releases list")


def test_hold_and_release_hold(writing: Published, run: Run) -> None:
    assert "Publishing was not on hold" in run("releases", "release-hold").out
    assert "do not publish until" in run("releases", "hold", "--reason", "exam week").out
    assert "on hold: exam week" in run("releases", "list").out
    assert "Nights publish again" in run("releases", "release-hold").out
    assert "on hold" not in run("releases", "list").out
    assert "until 2999-01-01 00:00 UTC, or `" in run("releases", "hold", "--reason", "x", "--until", "2999-01-01").out
    assert run("releases", "hold", "--reason", "late", "--until", "2020-01-01").code == 2
    assert "Nights publish again" in run("releases", "release-hold").out


def test_second_night_rollback_and_prune(writing: Published, prefect_api: str, run: Run) -> None:
    second = run("retrain", "--json", *ASSIGNMENTS, "--set", "seed=7").document["release_id"]
    listing = run("releases", "list", "--json").document
    assert [(entry["id"], entry["current"]) for entry in listing] == [(writing.release_id, False), (second, True)]

    difference = run("releases", "diff", writing.release_id, second, "--json").document
    assert (difference["left"], difference["right"]) == (writing.release_id, second)
    assert second in run("releases", "diff", writing.release_id, second).out
    again = run("releases", "verify", second, "--rebuild", "--json").document
    assert (set(again["rebuilt"].values()), again["changed"]) == ({"same"}, [])

    outcome = run("releases", "rollback", writing.release_id, "--no-hold", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.document == {"release_id": writing.release_id, "status": "published", "held": None}
    assert run("releases", "rollback", writing.release_id, "--json").document["held"] == "rolled back by hand"
    assert run("releases", "release-hold").code == 0
    listing = run("releases", "list", "--json").document
    assert [(entry["id"], entry["current"]) for entry in listing] == [(writing.release_id, True), (second, False)]
    assert run("recommend", "--user", 2, "--json").document["release_id"] == writing.release_id

    assert f"1 release removed: {second}" in run("releases", "prune", "--keep", 1).out
    require_refusal(run("releases", "rollback", second), 5, "was pruned or damaged", "releases list")
    assert [entry["pruned"] for entry in run("releases", "list", "--json").document] == [False, True]
    assert f"{second}   published, pruned" in run("releases", "list").out


def test_figures_that_do_not_compare_with_those_before_are_marked(writing: Published, run: Run) -> None:
    releases = open_home().releases
    release = releases.get(writing.release_id)
    later = {"release_id": "2099-01-01-00000000", "run_key": "later", "gates": {**release.gates, "comparable": False}}
    releases.publish(release.draft().model_copy(update=later), releases.version())
    mark = "scoring changed: its figures do not compare"
    assert mark in " ".join(run("releases", "list").out.split())
    assert mark in run("releases", "show", "2099-01-01-00000000").out
    assert mark not in run("releases", "show", writing.release_id).out
    assert [entry["comparable"] for entry in run("releases", "list", "--json").document] == [True, False]
