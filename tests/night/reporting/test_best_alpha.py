from nightschool.night.records import AlphaEntry
from nightschool.night.reporting.best_alpha import best_alpha


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
