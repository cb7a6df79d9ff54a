import json
import math
from datetime import UTC, datetime

import pytest

from nightschool.cli import show

FIGURES = {"ndcg@10": [0.31, 0.3, 0.32], "coverage@10": [0.5, None, None]}
COUNTS = {"rows_in": 1234, "already_known": 4, "accepted": 1200, "quarantined": 30, "reasons": {"bad_rating": 30}}
GATE = {"name": "learnable", "passed": False, "seen": "-0.1", "demanded": "> 0"}
EFFECT = {"rule": "suspected bots", "setting": "view: more than 2", "rows": 1228, "users": 20, "items": 500}
ITEM = {"rank": 1, "item_id": 7, "title": "Sets", "why": "because of Maps"}
NIGHT = {
    "status": "published",
    "release_id": "2025-03-01-0badcafe",
    "as_of": "2025-03-01T00:00:00+00:00",
    "rows": {"interactions": COUNTS},
    "candidates": [{"name": "ease", "fit_seconds": 1.25, "note": "kept 100 weights", "metrics": FIGURES}],
    "search": "10 fits on 2 validation cuts: the best model has 0.1",
    "trials": {"ease": 9, "ials": 1},
    "failures": {"svd": "no ratings"},
    "sweep": [{"alpha": 0.5, "name": "h", "metrics": FIGURES}, {"alpha": 1.0, "name": "ease", "metrics": FIGURES}],
    "roles": [{"name": "challenger", "metrics": FIGURES}],
    "protocol": "temporal",
    "warnings": ["few users"],
    "signals": [EFFECT],
    "freshness": {
        "new_item_events_7d": 0.25,
        "new_item_events_30d": 0.5,
        "new_item_places_7d": None,
        "new_item_places_30d": 0.125,
    },
    "gates": [GATE],
    "sentence": "ease is better",
    "learner": {"user_id": 5, "history": [{"timestamp": None, "item_id": 8, "title": "Maps"}], "items": [ITEM]},
}


def test_json_is_one_document_in_plain_letters(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_json({"title": "Zażółć", "at": datetime(2025, 3, 1, tzinfo=UTC)})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"title": "Zażółć", "at": "2025-03-01 00:00:00+00:00"}
    assert "Zażółć" in out
    assert err == ""


def test_json_holds_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        show.show_json({"value": math.nan})


def test_rows_in_are_told_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_rows_in({"interactions": COUNTS})
    out = capsys.readouterr().out
    for told in ("1,234", "1,200", "bad_rating 30"):
        assert told in out


def test_night_is_told_from_rows_to_where_to_look_next(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_night(NIGHT)
    out = capsys.readouterr().out
    told = [
        "1,234",
        "view: more than 2",
        "1,228",
        "0.3100 ± 0.0100",
        "places 1–10",
        "0.2500",
        "0.1250",
        "defaults among them: ease 9, ials 1",
        "svd: no ratings",
        "█",
        "challenger",
        "few users",
        "learnable",
        "NO",
    ]
    told += ["ease is better", "User 5", "Maps", "because of Maps", "2025-03-01-0badcafe", "Where to look next"]
    places = [out.find(each) for each in told]
    assert min(places) >= 0, dict(zip(told, places, strict=True))
    assert "0.5000" in out


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("already published", "release x was already published"),
        ("unchanged", "nothing but T has changed since release x, which stays current"),
    ],
)
def test_night_that_did_not_run_is_told_in_a_sentence(
    status: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show.show_night({"status": status, "rows": {}, "warnings": ["a row was odd"], "sentence": sentence})
    out = capsys.readouterr().out
    assert f"{status.capitalize()}: {sentence}." in out
    assert "Note: a row was odd." in out


def test_backfilled_release_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_night({**NIGHT, "status": "backfilled"})
    assert "Backfilled: 2025-03-01-0badcafe (T = 2025-03-01" in capsys.readouterr().out


def test_dry_run_names_no_release(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_night({**NIGHT, "status": "dry run", "release_id": None, "learner": None, "sweep": []})
    out = capsys.readouterr().out
    assert "Dry run" in out
    assert "Where to look next" not in out


def test_comparison_is_told_with_its_difference_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"name": "ease", "metrics": FIGURES, "over_popularity": [0.1, 0.05, 0.15], "verdict": "better"}
    nobody = {"name": "svd", "metrics": {"ndcg@10": [None] * 3}, "over_popularity": [None] * 3, "verdict": "no"}
    models = [{**row, "fit_seconds": 1.0, "note": "sparse form"}, nobody, {"name": "release", "metrics": FIGURES}]
    shown = {"dataset": "learning", "protocol": "temporal", "k": 10, "warnings": ["weak"], "failures": {"x": "broken"}}
    show.show_evaluation({**shown, "models": models})
    assert "Signals and filters" not in capsys.readouterr().out
    show.show_evaluation({**shown, "models": models, "signals": [EFFECT]})
    out = capsys.readouterr().out
    assert out.index("suspected bots") < out.index("+0.1000")
    for told in (
        "+0.1000 ± 0.0500 better",
        "release",
        "Note: weak.",
        "Note: ease: sparse form.",
        "Left out: x: broken",
        "–",
    ):
        assert told in out
    assert "Beyond accuracy" not in out


def test_what_was_measured_beyond_accuracy_has_a_table_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {**FIGURES, "diversity@10": [0.75, 0.7, 0.8], "gini@10": [0.9, None, None]}
    model = {"name": "ease", "metrics": figures, "over_popularity": [0.1, 0.05, 0.15], "verdict": "better"}
    show.show_evaluation({"dataset": "d", "protocol": "temporal", "k": 10, "warnings": [], "models": [model]})
    out = capsys.readouterr().out
    assert "miscalibration" not in out
    for told in ("Beyond accuracy", "diversity@10", "0.7500 ± 0.0500", "0.9000"):
        assert told in out


def test_several_comparisons_are_told_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    model = {"name": "ease", "metrics": FIGURES, "over_popularity": [0.1, 0.05, 0.15], "verdict": "better"}
    tables = [{"name": f"new users after {n}", "n_users": 1234, "models": [model]} for n in (1, 3)]
    tables[1]["failures"] = {"svd": "cannot fold in"}
    show.show_evaluation({"dataset": "d", "protocol": "leave-users", "k": 10, "warnings": ["weak"], "tables": tables})
    out = capsys.readouterr().out
    told = ["new users after 1 (1,234 users)", "new users after 3", "Left out: svd: cannot fold in", "Note: weak."]
    places = [out.find(each) for each in told]
    assert -1 < places[0] < places[1] < places[2] < places[3]


@pytest.mark.parametrize("title", ["[/b] [link=x]", ":smile: [red]", "שלום 🎓 مرحبا", "\u202eright to left", "=1+1"])
def test_texts_of_a_source_are_no_markup(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    show.show_list("List", [{**ITEM, "title": title, "why": f"because of {title}"}])
    out = capsys.readouterr().out
    assert title in out
    assert f"because of {title}" in out


def test_ids_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_list("List", [{**ITEM, "item_id": 1815340886928000336}])
    assert "1815340886928000336" in capsys.readouterr().out


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_list("List", [{**ITEM, "title": "a\x1b[2Jb\x00\x9bc\nd"}])
    assert "a\ufffd[2Jb\ufffd\ufffdc\ufffdd" in capsys.readouterr().out
