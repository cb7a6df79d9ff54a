import pytest

from nightschool.data.readers.paths import below_the_root


@pytest.mark.parametrize("pattern", ["a.csv", "logs/*.csv", "**/part-*", "landing/", "Übung/a b.csv"])
def test_a_path_or_glob_below_the_root_is_kept(pattern):
    assert below_the_root(pattern) == pattern


@pytest.mark.parametrize("pattern", ["", "/etc/passwd", "../a.csv", "a/../../b", "C:\\a.csv", "x" * 256, "a**b"])
def test_what_leads_out_of_the_root_is_refused(pattern):
    with pytest.raises(ValueError, match="give "):
        below_the_root(pattern)
