"""Orders that can be shown, and those that only look like one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.catalog import create
from nightschool.errors import DataRefused
from nightschool.inspection import file_order
from nightschool.inspection.draft import draft
from nightschool.inspection.file_order import with_file_order
from nightschool.inspection.logs import FileOrder
from nightschool.inspection.survey import survey
from nightschool.inspection.writing import write_manifest
from tests.inspection.conftest import NOW

N_USERS, N_ITEMS = 300, 60


def walks(seed: int = 1) -> list[list[int]]:
    """Users who begin anywhere and go on to one of the next three items on a ring, and not always."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(N_USERS):
        item, own = int(rng.integers(N_ITEMS)), []
        for _ in range(8):
            if item not in own:
                own.append(item)
            far = rng.random() < 0.2
            item = int(rng.integers(N_ITEMS)) if far else (item + int(rng.integers(1, 4))) % N_ITEMS
        found.append(own)
    return found


def found_in(folder: Path, histories: list[list[int]], name: str = "{:02d}") -> FileOrder:
    names = [name.format(item) for item in range(N_ITEMS)]
    rows = (f"{1000 + user} " + " ".join(names[item] for item in own) for user, own in enumerate(histories))
    (folder / "log.txt").write_text("".join(f"{row}\n" for row in rows))
    order = with_file_order(survey(folder, NOW), create).match.log.order
    assert order is not None
    return order


def test_an_order_that_predicts_is_shown_and_written_with_its_figures(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    order = found_in(tmp_path / "files", walks())
    assert order.shown
    assert "in the file's order" in order.why
    text = draft(with_file_order(survey(tmp_path / "files", NOW), create))
    assert f'order = "file"  # guess: {order.why}' in text
    manifest = write_manifest(text, tmp_path / "out.toml")
    assert manifest.interactions[0].order == "file"


def test_rows_in_no_order_are_not_guessed(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    order = found_in(tmp_path, [list(rng.permutation(own)) for own in walks()])
    assert not order.shown
    assert order.why.startswith("not shown: ndcg@10 of transitions is 0.")
    text = draft(with_file_order(survey(tmp_path, NOW), create))
    assert '# order = "file"  # or: if rows stand in the order of time; not shown: ' in text


def test_sorted_rows_predict_as_well_and_are_not_guessed(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sets = [rng.choice(N_ITEMS, size=4 + user % 4, replace=False) for user in range(N_USERS)]
    by_id = [sorted(map(int, own)) for own in sets]
    assert found_in(tmp_path, by_id).why == "not shown: the rows of each user are sorted by the item's id"
    backwards = [own[::-1] for own in by_id]
    assert found_in(tmp_path, backwards, "{}").why == "not shown: the rows of each user are sorted by the item's id"
    hidden = rng.permutation(N_ITEMS)
    by_title = [sorted(map(int, own), key=lambda item: hidden[item]) for own in sets]
    assert "all users have their rows in one order of the items" in found_in(tmp_path, by_title).why


def test_few_histories_show_nothing(tmp_path: Path) -> None:
    order = found_in(tmp_path, walks()[:50])
    assert (order.shown, "only 50 users have two items or more" in order.why) == (False, True)


def test_rows_with_times_are_not_looked_at_and_unreadable_ones_show_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_in(tmp_path, walks())
    found = survey(tmp_path, NOW)
    timed = replace(found, match=replace(found.match, log=replace(found.match.log, time=found.match.log.user)))
    assert with_file_order(timed, create) is timed

    def refuse(*_: object) -> None:
        raise DataRefused("log.txt changed")

    monkeypatch.setattr(file_order, "_first_rows", refuse)
    order = with_file_order(found, create).match.log.order
    assert order == FileOrder(False, "not shown: log.txt changed")


def test_real_sequences_are_shown_and_ratings_sorted_by_book_are_not(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "Toys.txt.gz").symlink_to(data_root / "amazon-2014" / "Toys_and_Games.txt.gz")
    order = with_file_order(survey(tmp_path, NOW), create).match.log.order
    assert order is not None
    assert order.shown
    books = with_file_order(survey(data_root / "goodbooks-10k", NOW), create).match.log.order
    assert books == FileOrder(False, "not shown: the rows of each user are sorted by the item's id")
