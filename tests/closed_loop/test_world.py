"""People of a simulated world."""

import numpy as np
import pytest

from nightschool.closed_loop.world import BOREDOM, World, day_of
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth
from nightschool.simulator.vocabulary import TRUTH_FILE


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    simulate(SimulatorConfig(users=200, items=60, interactions=3_000), folder)
    return Truth.read(folder / TRUTH_FILE)


@pytest.fixture
def world(truth):
    return World.of(truth, new_items=0.2, days=4, seed=1)


def test_new_items_come_in_one_after_the_other(world):
    assert [int((world.arrives == day).sum()) for day in range(5)] == [48, 3, 3, 3, 3]
    assert world.there(2).sum() == 54


def test_the_same_seed_gives_the_same_world(truth, world):
    assert (World.of(truth, new_items=0.2, days=4, seed=1).arrives == world.arrives).all()


def test_visitors_are_people_and_come_once(truth, world):
    people = world.visitors(50, np.random.default_rng(3))
    assert len(people) == len(set(people.tolist())) == 50
    assert not truth.bots[people].any()


def test_what_is_not_there_or_was_opened_has_no_appeal(truth, world):
    now = day_of(truth, 1)
    world.done[5, 7] = True
    appeal = world.appeal(5, 1, now)
    assert appeal.max() == pytest.approx(1, abs=1e-6) or world.there(1)[appeal.argmax()]
    assert appeal[7] == 0
    assert not appeal[world.arrives > 1].any()


def test_what_was_looked_at_in_vain_appeals_less(truth, world):
    now = day_of(truth, 1)
    before = world.appeal(5, 1, now)
    item = int(before.argmin() if before.min() > 0 else np.flatnonzero(before)[0])
    world.bored[5, item] = 2
    assert world.appeal(5, 1, now)[item] == pytest.approx(before[item] * BOREDOM**2, rel=1e-5)


def test_the_best_list_is_as_good_as_the_best(truth, world):
    appeal = world.appeal(3, 1, day_of(truth, 1))
    best = np.argsort(-appeal)[:10].astype(np.int32)
    visit = world.visit(3, best, appeal, np.random.default_rng(0))
    assert visit.expected == pytest.approx(visit.best, rel=1e-5)
    assert (visit.looked | ~visit.opened).all()
    assert (visit.opened | ~(visit.completed | visit.liked)).all()


def test_many_visits_open_what_the_truth_expects(truth):
    rng, opened, expected = np.random.default_rng(7), 0, 0.0
    for _ in range(300):
        world = World.of(truth, new_items=0, days=1, seed=1)
        appeal = world.appeal(9, 1, day_of(truth, 1))
        visit = world.visit(9, np.arange(10, dtype=np.int32), appeal, rng)
        opened, expected = opened + visit.opened.sum(), expected + visit.expected
    assert opened == pytest.approx(expected, rel=0.25)


def test_an_empty_list_is_a_visit_too(truth, world):
    visit = world.visit(3, np.empty(0, dtype=np.int32), world.appeal(3, 1, day_of(truth, 1)), np.random.default_rng(0))
    assert visit.expected == visit.best == 0


def test_items_found_elsewhere_are_taken_once(truth, world):
    rng = np.random.default_rng(5)
    found = []
    for _ in range(40):
        item = world.elsewhere(4, world.appeal(4, 1, day_of(truth, 1)), rng)
        found += [] if item is None else [item]
    assert 3 < len(found) < 30
    assert len(found) == len(set(found))
