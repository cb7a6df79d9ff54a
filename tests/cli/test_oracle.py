from pathlib import Path

import pytest

from tests.cli.conftest import Run, require_refusal

QUICK = ("--models", "ease,nothing", "--set", "window_days=60", "--set", "min_users=20", "--set", "minutes=0")


@pytest.fixture
def ingested(run: Run, source: Path) -> Path:
    """The home holds the simulation; its folder."""
    assert run("ingest", "--dataset", "learning", "--source-root", source).code == 0
    return source


def test_the_way_to_the_true_probabilities_is_told(run: Run, ingested: Path) -> None:
    quick = [word if word != "ease,nothing" else "ease" for word in QUICK]
    document = run("oracle", "--json", *quick).document
    assert (document["dataset"], document["protocol"], document["k"]) == ("learning", "temporal", 10)
    assert document["popularity"][0] < document["oracle"][0]
    # What was drawn is one draw of what is expected.
    value, low, high = document["oracle_realised"]
    assert abs(value - document["oracle"][0]) < high - low
    ease = document["models"][0]
    whole = document["oracle"][0] - document["popularity"][0]
    assert ease["share_of_way"][0] == pytest.approx((ease["ndcg"][0] - document["popularity"][0]) / whole)
    given = run("oracle", "--truth", ingested / "truth.parquet", *quick)
    assert (given.code, given.err) == (0, "")
    told = ("popularity", "ease", "oracle, expected", f"{document['oracle'][0]:.4f} ±", "of the way from popularity")
    for each in told:
        assert each in given.out


def test_what_cannot_be_measured_is_refused(run: Run, ingested: Path, tmp_path: Path) -> None:
    require_refusal(run("oracle", *QUICK), 2, "'nothing'", "ease")
    require_refusal(run("oracle", "--truth", tmp_path / "truth.parquet"), 5, "truth", "--truth FILE")


def test_a_home_without_data_is_told_so(run: Run) -> None:
    assert run("oracle").code == 5


def test_a_file_that_is_no_truth_is_refused(run: Run, ingested: Path, tmp_path: Path) -> None:
    file = tmp_path / "truth.parquet"
    file.write_bytes((ingested / "users.csv").read_bytes())
    require_refusal(run("oracle", "--truth", file, *QUICK[2:]), 3, "truth.parquet")
