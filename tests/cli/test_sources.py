"""Files that were set aside: seen, accepted, dropped."""

from tests.cli.conftest import require_refusal
from tests.landing import make_landing

GOOD = "user,item,at\n1,7,2025-01-01\n2,8,2025-01-02\n"


def test_a_bad_file_is_listed_and_comes_in_when_it_is_accepted(run, home, tmp_path):
    landing, manifest = make_landing(tmp_path)
    (landing / "a.csv").write_text(GOOD)
    (landing / "b.csv").write_text(GOOD.replace("2025", "2026") + "9,9,someday\n" * 12)
    ingest = ("ingest", "--dataset", manifest, "--source-root", tmp_path)
    first = run(*ingest, "--json")
    assert first.code == 0
    counts = first.document["interactions"]
    assert (counts["rows_in"], counts["accepted"], counts["set_aside"]) == (2, 2, 14)
    assert "Note: landing/b.csv was left out (set aside)" in first.err
    listed = run("sources", "list")
    assert "set aside" in listed.out
    assert "bad_timestamp 12, such as 'someday'" in listed.out
    require_refusal(run("sources", "accept", "landing/a.csv"), 5, "no such file is set aside")
    assert run("sources", "accept", "landing/b.csv").code == 0
    again = run("ingest", "--json").document["interactions"]
    assert (again["accepted"], again["quarantined"]) == (2, 12)
    assert {file["state"] for file in run("sources", "list", "--json").document} == {"taken"}
