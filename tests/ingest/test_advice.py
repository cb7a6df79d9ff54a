import pytest

from nightschool.ingest.advice import advise, shown


@pytest.mark.parametrize(
    ("reasons", "values", "told"),
    [
        (["bad_rating", "missing_user"], ["4,5"], 'decimal = ","'),
        (["bad_duration"], ["1.000,5"], 'decimal = ","'),
        (["unknown_event"], ["View"], "[event_weights]"),
        (["rating_out_of_range"], ["-1.0"], "rating.missing"),
        (["unknown_user"], ["USER9@X.ORG"], "fold_case"),
        (["bad_timestamp"], ["31.12.2023"], "timestamp.format"),
        (["bad_json"], [], "one JSON object"),
    ],
)
def test_the_most_frequent_fault_says_what_may_mend_it(reasons, values, told):
    assert told in advise(reasons, values)


@pytest.mark.parametrize("reasons", [[], ["missing_user"], ["bad_rating"]])
def test_other_faults_are_for_a_look_at_the_manifest(reasons):
    assert advise(reasons, ["x, y"]) == "check the manifest against the files"


def test_an_address_is_not_told():
    assert shown("ada.l+x@mail.example") == "…@mail.example"
    assert shown("x" * 50) == "x" * 40
