from pathlib import Path

from nightschool.curves import CurveFile, curves_to, note_point, read_curves


def test_points_are_kept_as_they_come_within_the_block_alone(tmp_path: Path) -> None:
    file = tmp_path / "curves.jsonl"
    note_point("sasrec/loss", 1, 9.0)
    assert read_curves(file) == {}
    with curves_to(CurveFile(file)):
        note_point("sasrec/loss", 1, 0.5)
        note_point("sasrec/validation", 1, 0.1)
        note_point("sasrec/loss", 2, 0.25)
    note_point("sasrec/loss", 3, 9.0)
    assert read_curves(file) == {"sasrec/loss": [(1, 0.5), (2, 0.25)], "sasrec/validation": [(1, 0.1)]}


def test_further_trainings_of_a_model_have_curves_of_their_own(tmp_path: Path) -> None:
    note = CurveFile(tmp_path / "curves.jsonl")
    for step, value in ((1, 0.5), (2, 0.4), (1, 0.7), (1, 0.8), (2, 0.6)):
        note("loss", step, value)
    assert read_curves(tmp_path / "curves.jsonl") == {
        "loss": [(1, 0.5), (2, 0.4)],
        "loss 2": [(1, 0.7)],
        "loss 3": [(1, 0.8), (2, 0.6)],
    }
