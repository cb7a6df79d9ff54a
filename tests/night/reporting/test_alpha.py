from nightschool.night.entries import AlphaEntry, CandidateEntry
from nightschool.night.records import SelectRecord
from nightschool.night.reporting.alpha import alpha_curve, best_alpha
from tests.night.records import example


def entry(alpha: float, ndcg: float, *behind: float | None) -> AlphaEntry:
    return AlphaEntry(alpha=alpha, name="", metrics={"ndcg@10": [ndcg, None, None]}, behind=behind or None)


def test_the_best_is_named_with_its_distance_to_both_ends() -> None:
    sweep = (entry(0.0, 0.1, 0.2, 0.15, 0.25), entry(0.85, 0.3), entry(1.0, 0.29, 0.01, 0.004, 0.016))
    assert best_alpha(sweep) == (
        "α = 0.85 is best on validation with ndcg@10 0.3000; "
        "ahead of α = 0, content alone, by 0.2000 [0.1500, 0.2500]; "
        "ahead of α = 1, the collaborative model alone, by 0.0100 [0.0040, 0.0160]"
    )


def test_those_that_are_not_told_apart_are_named() -> None:
    sweep = (entry(0.5, 0.2, 0.1, -0.01, 0.2), entry(0.8, 0.3), entry(0.9, 0.3, 0.0, None, None))
    assert best_alpha(sweep).endswith("not told apart from α = 0.5, 0.9")


def test_without_figures_there_is_nothing_to_say() -> None:
    assert best_alpha(()) == ""
    assert best_alpha((AlphaEntry(alpha=0.0, name="", metrics={}),)) == ""


def selected(*sweep: AlphaEntry) -> SelectRecord:
    popularity = CandidateEntry(
        name="popularity", params={}, fit_seconds=0, note=None, n_users=1, metrics={"ndcg@10": [0.05, 0.04, 0.06]}
    )
    return example(SelectRecord, sweep=sweep, candidates=(popularity,))


def test_the_curve_is_drawn_beside_popularity() -> None:
    drawn = str(alpha_curve(selected(entry(0.0, 0.1), entry(1.0, 0.3))).to_dict())
    assert "'value': 0.3, 'low': 0.3, 'high': 0.3" in drawn
    assert "'value': 0.05, 'name': 'popularity'" in drawn


def test_without_figures_there_is_no_curve() -> None:
    assert alpha_curve(selected(AlphaEntry(alpha=0.0, name="", metrics={}))) is None
