import hashlib
import json
from types import ModuleType

from nightschool.simulator import preferences, vocabulary
from nightschool.simulator.config import PERIOD_END, SimulatorConfig

FROZEN = "6d6e0015186e1b616425c6aa2b79090faad92f94698df984536a86b37cd3bf53"


def constants(module: ModuleType) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if name.isupper()}


def test_the_simulator_is_frozen() -> None:
    """Nobody tunes the simulator to flatter a model: a changed number needs a reason and a note in the changelog."""
    everything = {
        "config": SimulatorConfig().model_dump(exclude={"damage", "ordered", "devices"}),
        "period_end": PERIOD_END.isoformat(),
        "vocabulary": constants(vocabulary),
        "preferences": constants(preferences),
    }
    dump = json.dumps(everything, sort_keys=True, ensure_ascii=True)
    assert hashlib.sha256(dump.encode()).hexdigest() == FROZEN


def test_every_role_style_and_seniority_has_its_appetites() -> None:
    assert set(preferences.ROLE_DOMAINS) == {title.role for title in vocabulary.TITLES}
    assert list(preferences.ROLE_SUBTOPICS) == list(preferences.ROLE_DOMAINS)
    assert tuple(preferences.STYLE_TYPES) == vocabulary.LEARNING_STYLES
    assert tuple(preferences.SENIORITY_DIFFICULTIES) == vocabulary.SENIORITIES


def test_every_row_of_appetites_is_complete_and_positive() -> None:
    tables = [
        (preferences.ROLE_DOMAINS, vocabulary.DOMAINS),
        (preferences.ROLE_SUBTOPICS, vocabulary.SUBTOPICS),
        (preferences.STYLE_TYPES, vocabulary.TYPES),
        (preferences.SENIORITY_DIFFICULTIES, vocabulary.DIFFICULTIES),
        ({"week": preferences.WEEKDAYS}, range(7)),
        ({"day": preferences.HOURS}, range(24)),
    ]
    for table, names in tables:
        for row in table.values():
            assert len(row) == len(names)
            assert min(row) > 0
