from pathlib import Path

import pytest

from nightschool.errors import NightschoolError
from nightschool.storage.stage_records import StageRecords


@pytest.fixture
def records(tmp_path: Path) -> StageRecords:
    return StageRecords(tmp_path / "nights" / "key")


def test_an_unfinished_stage_has_no_record(records: StageRecords) -> None:
    assert records.get("ingest") is None


def test_a_record_comes_back_and_the_last_one_counts(records: StageRecords) -> None:
    records.put("ingest", {"rows": 1})
    records.put("ingest", {"rows": 2, "table": "users"})
    records.put("select", {})
    assert records.get("ingest") == {"rows": 2, "table": "users"}
    assert records.get("select") == {}
    assert sorted(p.name for p in records.directory.iterdir()) == ["ingest.json", "select.json"]


@pytest.mark.parametrize("content", ["", '{"rows": 1', "[1]", "\ufffd"])
def test_a_file_that_is_no_record_is_named(records: StageRecords, content: str) -> None:
    records.directory.mkdir(parents=True)
    (records.directory / "ingest.json").write_text(content)
    with pytest.raises(NightschoolError, match=r"ingest\.json is no stage record; remove it"):
        records.get("ingest")


@pytest.mark.parametrize("stage", ["", "../x", "A", "a/b"])
def test_a_stage_name_stays_in_its_folder(records: StageRecords, stage: str) -> None:
    with pytest.raises(NightschoolError, match="malformed stage name"):
        records.put(stage, {})


def test_a_record_that_is_not_json_leaves_the_old_one(records: StageRecords) -> None:
    records.put("ingest", {"rows": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.put("ingest", {"rows": float("nan")})
    assert records.get("ingest") == {"rows": 1}
