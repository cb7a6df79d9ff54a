import pytest

from nightschool.simulator import vocabulary as words


def test_every_title_is_unique_and_has_a_known_seniority_and_department() -> None:
    assert len({title.name for title in words.TITLES}) == len(words.TITLES)
    assert {title.seniority for title in words.TITLES} == set(words.SENIORITIES)
    assert {title.department for title in words.TITLES} == {"Engineering", "Data", "Product", "Marketing"}


def test_seniorities_weigh_what_their_titles_weigh() -> None:
    weights = {
        seniority: sum(title.weight for title in words.TITLES if title.seniority == seniority)
        for seniority in words.SENIORITIES
    }
    assert weights == {"Student": 45, "Fresher": 30, "Junior": 28, "Mid": 10, "Senior": 5, "Lead": 2}


@pytest.mark.parametrize("weights", [words.DIFFICULTY_WEIGHTS, words.TYPE_WEIGHTS, words.EVENT_WEIGHTS])
def test_shares_sum_to_one(weights: tuple[float, ...]) -> None:
    assert sum(weights) == pytest.approx(1.0)


def test_every_topic_has_equally_many_words_of_its_own() -> None:
    for names, vocabulary in ((words.SUBTOPICS, words.SUBTOPIC_WORDS), (words.DOMAINS, words.DOMAIN_WORDS)):
        assert tuple(vocabulary) == names
        assert len({len(own) for own in vocabulary.values()}) == 1
        every = [word for own in vocabulary.values() for word in own]
        assert len(set(every)) == len(every)
