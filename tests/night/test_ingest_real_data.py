from datetime import UTC, datetime, timedelta

import polars as pl

from expectations import validation
from nightschool.columns import AVAILABLE_AT, INTERACTIONS
from nightschool.data.manifest import load_manifest
from nightschool.data.readers import infer_id_dtypes
from nightschool.night.ingest import ingest
from nightschool.storage.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_movielens_is_taken_in_whole(data_root, tmp_path):
    manifest, root = load_manifest("movielens-100k"), data_root / "movielens-100k"
    lake = Lake(tmp_path / "lake", *infer_id_dtypes(manifest, root))
    report = ingest(manifest, root, lake, check=validation, first_seen=NOW, now=NOW).to_dict()
    assert {name: counts["accepted"] for name, counts in report.items()} == {
        "interactions": 100_000,
        "users": 943,
        "items": 1682,
    }
    newest = lake.scan(INTERACTIONS).select(pl.col(AVAILABLE_AT).max()).collect().item()
    assert newest < datetime(1998, 4, 24, tzinfo=UTC)
    again = ingest(manifest, root, lake, check=validation, first_seen=NOW + timedelta(days=1), now=NOW).to_dict()
    assert [counts["accepted"] for counts in again.values()] == [0, 0, 0]
