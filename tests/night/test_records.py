import json

import pytest
from pydantic import ValidationError

from nightschool.ingest.batch import TableCounts
from nightschool.ingest.file_outcomes import FileFate
from nightschool.ingest.ingest import IngestReport
from nightschool.night.records import STAGES, IngestRecord, RefitRecord, StageRecord
from tests.night.records import EXAMPLES, example


@pytest.mark.parametrize("record", STAGES, ids=lambda record: record.stage)
def test_a_record_comes_back_from_its_file(record: type[StageRecord]) -> None:
    stored = json.dumps(EXAMPLES[record.stage].model_dump(mode="json"), allow_nan=False)
    assert record.model_validate_json(stored) == EXAMPLES[record.stage]


def test_a_record_neither_changes_nor_takes_unknown_fields() -> None:
    record = example(RefitRecord)
    with pytest.raises(ValidationError, match="frozen"):
        record.recipe = "other"
    with pytest.raises(ValidationError, match="extra_forbidden"):
        RefitRecord.model_validate({**record.model_dump(), "further": 1})


def test_an_ingests_record_holds_what_its_report_says() -> None:
    fate = FileFate("interactions", "a.csv", "taken", 5)
    report = IngestReport({"interactions": TableCounts(1, 3, 1, {"null": 1})}, ("a warning",), (fate,), released=2)
    record = IngestRecord.of(report)
    stored = record.model_dump(mode="json")
    assert (stored["rows"], stored["files"]) == (report.to_dict(), report.files_to_dict())
    assert record.warnings == ("a warning",)
