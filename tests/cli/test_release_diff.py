import pytest

from nightschool.cli.release_diff import show_diff

DOCUMENT = {
    "left": "2024-05-01-aaaaaaaa",
    "right": "2024-05-02-bbbbbbbb",
    "as_of": ["2024-05-01T02:00:00+00:00", "2024-05-02T02:00:00+00:00"],
    "recipes": ["ease", "ials"],
    "lists": {"users": 1000, "only_left": 0, "only_right": 7, "changed": 0.25, "other_items": 0.1, "overlap": 0.9},
    "items": [{"item_id": 7, "title": "Guitar", "left": 1, "right": 30, "change": 29}],
    "metrics": [
        {"name": "challenger: ndcg@10", "left": (0.25, 0.2, 0.3), "right": None},
        {"name": "lists: gini@10", "left": (0.5, None, None), "right": (0.6, None, None)},
    ],
    "gates": [
        {"name": "superior", "left": None, "right": {"passed": False, "seen": "+0.0010 [-0.0010, +0.0030]"}},
        {"name": "learnable", "left": {"passed": True, "seen": "+0.1"}, "right": {"passed": True, "seen": "+0.2"}},
    ],
    "rows": [{"name": "recommendations", "left": 10_000, "right": None}],
}


def test_every_difference_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show_diff(DOCUMENT)
    shown = " ".join(capsys.readouterr().out.split())
    for told in (
        "ease ials",
        "users with a list in both 1,000",
        "first 10 changed 25.0%",
        "with another item 10.0%",
        "mean rank-biased overlap 0.900",
        "7 Guitar 1 30 29",
        "challenger: ndcg@10 0.2500 [0.2000, 0.3000] –",
        "lists: gini@10 0.5000 0.6000",
        "superior not asked NO: +0.0010 [-0.0010, +0.0030]",
        "learnable yes: +0.1 yes: +0.2",
        "recommendations 10,000 0 -10,000",
    ):
        assert told in shown, told


def test_lists_of_nobody_have_no_overlap(capsys: pytest.CaptureFixture[str]) -> None:
    show_diff({**DOCUMENT, "lists": {**DOCUMENT["lists"], "overlap": None}, "items": []})  # type: ignore[dict-item]
    assert "mean rank-biased overlap –" in " ".join(capsys.readouterr().out.split())
