import polars as pl

from nightschool.evaluation.figure_rows import FIGURE_ROWS, Figure, figure_rows


def test_a_figure_is_a_row_of_the_metrics_table():
    rows = figure_rows([Figure("psi", 0.2, segment="event"), Figure("taken", float("nan"), 10, 7, "all", (0.1, 0.3))])
    assert rows.schema == FIGURE_ROWS
    assert rows.select("model", "split", "segment", "metric", "k", "value", "ci_low", "n_users").rows() == [
        ("lists", "all", "event", "psi", None, 0.2, None, None),
        ("lists", "all", "all", "taken", 10, None, 0.1, 7),
    ]


def test_no_figures_are_no_rows():
    assert figure_rows([]).equals(pl.DataFrame(schema=FIGURE_ROWS))
