import polars as pl

from nightschool.inspection.dates import date_forms


def test_one_day_beyond_the_twelfth_tells_day_from_month():
    assert date_forms(pl.Series(["01/02/2024", "13/02/2024"] * 20)) == ("%d/%m/%Y",)
    assert date_forms(pl.Series(["01/02/2024", "02/13/2024"] * 20)) == ("%m/%d/%Y",)
    assert date_forms(pl.Series(["01/02/2024", "02/12/2024"] * 20)) == ("%d/%m/%Y", "%m/%d/%Y")


def test_years_have_the_digits_that_are_written():
    assert date_forms(pl.Series(["14-NOV-23"])) == ("%d-%b-%y",)
    assert date_forms(pl.Series(["14.11.1889"])) == ()
