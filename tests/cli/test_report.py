import re
from pathlib import Path

from tests.cli.conftest import Published, Run, require_refusal


def test_a_report_is_one_page_that_needs_nothing_else(reading: Published, run: Run, tmp_path: Path) -> None:
    outcome = run("report", "--out", tmp_path)
    file = tmp_path / f"{reading.release_id}.html"
    assert (outcome.code, outcome.out.strip(), outcome.err) == (0, str(file), "")
    page = file.read_text()
    assert len(page) < 3_000_000
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=.?(?:https?:|//)", page)
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "What was decided",
        "How good the models are",
        "What scores mean and data bring",
        "Who is served, and what is shown",
        "What is watched over the nights",
        "What users did",
        "What was shown, and what came of it",
        "What users and items are",
        "What is similar",
        "Some learners&#39; lists",
        "What it cost",
    ]
    assert page.count("<svg") > 10


def test_an_unknown_release_is_refused(reading: Published, run: Run, tmp_path: Path) -> None:
    require_refusal(run("report", "--release", "nonsense", "--out", tmp_path), 5, "nonsense")
    assert not list(tmp_path.iterdir())
