import polars as pl

from nightschool.storage.staging import Spool


def test_rows_come_back_in_the_order_in_which_they_came(tmp_path):
    spool = Spool(tmp_path / "spool")
    for number in range(12):
        spool.add(pl.DataFrame({"n": [number, -number]}))
    assert spool.rows == 24
    assert spool.scan().collect()["n"].to_list() == [sign * number for number in range(12) for sign in (1, -1)]


def test_spool_without_frames_holds_nothing(tmp_path):
    assert (Spool(tmp_path / "spool").scan(), Spool(tmp_path / "spool").rows) == (None, 0)


def test_frame_without_rows_still_says_its_columns(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.add(pl.DataFrame({"team": []}, schema={"team": pl.String}))
    assert spool.scan().collect_schema() == {"team": pl.String}


def test_what_an_ingest_left_that_died_is_gone(tmp_path):
    Spool(tmp_path / "spool").add(pl.DataFrame({"n": [1]}))
    assert Spool(tmp_path / "spool").scan() is None
    assert not (tmp_path / "spool").exists()
