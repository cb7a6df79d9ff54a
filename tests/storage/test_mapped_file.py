from nightschool.storage.mapped_file import MappedFile


def test_a_file_that_was_cut_off_says_by_how_much(tmp_path):
    path = tmp_path / "lists"
    path.write_bytes(b"12345")
    file = MappedFile(path)
    assert file.missing_bytes() == 0
    path.write_bytes(b"123")
    assert file.missing_bytes() == 2


def test_another_file_of_its_name_is_not_it(tmp_path):
    path = tmp_path / "lists"
    path.write_bytes(b"12345")
    file = MappedFile(path)
    (tmp_path / "other").write_bytes(b"1")
    (tmp_path / "other").replace(path)
    assert file.missing_bytes() is None
    path.unlink()
    assert file.missing_bytes() is None
