"""Learning paths against a search through all orders, and cases that can be checked by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from nightschool.ranking.path_steps import Step, explain_steps
from nightschool.ranking.paths import Block, Curriculum, path_to_item, path_to_skill, required_path, skills_of

N = 7


def curriculum(
    requires: Mapping[int, Sequence[int]] = {},
    levels: Sequence[int] = (-1,) * N,
    gone: Sequence[int] = (),
    follows: Mapping[tuple[int, int], float] = {},
    skills: Mapping[int, Sequence[int]] = {},
) -> Curriculum:
    n, n_skills = len(levels), 3
    needed, built = np.zeros((n, n), dtype=bool), np.zeros((n, n_skills), dtype=bool)
    shares, available = np.zeros((n, n), dtype=np.float32), np.ones(n, dtype=bool)
    for item, named in requires.items():
        needed[item, list(named)] = True
    for item, named in skills.items():
        built[item, list(named)] = True
    for pair, share in follows.items():
        shares[pair] = share
    available[list(gone)] = False
    return Curriculum(
        csr_array(needed), np.array(levels, dtype=np.int32), available, csr_array(shares), csr_array(built)
    )


def having(*done: int, n: int = N) -> np.ndarray:
    mask = np.zeros(n, dtype=bool)
    mask[list(done)] = True
    return mask


def is_valid(given: Curriculum, done: np.ndarray, path: Sequence[int]) -> bool:
    done = done.copy()
    for item in path:
        reached = given.ranks[done].max(initial=-1)
        fits = given.available[item] and not done[item] and given.ranks[item] <= reached + 1
        if not fits or not done[given.direct(item)].all():
            return False
        done[item] = True
    return True


def shortest(given: Curriculum, done: np.ndarray, goal: int) -> int | None:
    """How many steps the shortest path has, by trying every next item of every state."""
    states, steps = {frozenset(np.flatnonzero(done).tolist())}, 0
    while states:
        if any(goal in state for state in states):
            return steps
        grown = {
            state | {item}
            for state in states
            for item in range(len(given.levels))
            if is_valid(given, having(*state, n=len(given.levels)), [item])
        }
        states, steps = grown, steps + 1
    return None


@st.composite
def curricula(draw: st.DrawFn) -> tuple[Curriculum, np.ndarray, int]:
    requires = {
        item: draw(st.lists(st.integers(0, item - 1), max_size=2)) for item in range(1, N) if draw(st.booleans())
    }
    names = draw(st.permutations(range(N)))
    renamed = {names[item]: [names[each] for each in named] for item, named in requires.items()}
    levels = draw(st.lists(st.integers(-1, 3), min_size=N, max_size=N))
    gone = draw(st.lists(st.integers(0, N - 1), max_size=2))
    pairs = st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).filter(lambda pair: pair[0] != pair[1])
    follows = draw(st.dictionaries(pairs, st.floats(0.01, 1.0), max_size=8))
    skills = draw(st.dictionaries(st.integers(0, N - 1), st.lists(st.integers(0, 2), max_size=2), max_size=5))
    done = having(*draw(st.lists(st.integers(0, N - 1), max_size=3)))
    return curriculum(renamed, levels, gone, follows, skills), done, draw(st.integers(0, N - 1))


@settings(deadline=None)
@given(curricula())
def test_there_is_a_path_wherever_trying_all_orders_finds_one(case: tuple[Curriculum, np.ndarray, int]) -> None:
    given, done, goal = case
    if done[goal]:
        return
    least = shortest(given, done, goal)
    for found in (path_to_item(given, done, goal), required_path(given, done, goal)):
        assert isinstance(found, Block) == (least is None)
        if least is not None:
            assert found[-1] == goal
            assert is_valid(given, done, found)
            assert len(found) >= least
            assert set(found) >= given.unmet(goal, done)
    if least is not None and given.ranks.max() <= 1:
        # What is related to a goal may need more steps than what is not.
        unrelated = replace(given, follows=csr_array((N, N), dtype=np.float32), skills=csr_array((N, 3), dtype=bool))
        assert len(required_path(unrelated, done, goal)) == least


@settings(deadline=None)
@given(curricula())
def test_a_skill_takes_the_fewest_steps(case: tuple[Curriculum, np.ndarray, int]) -> None:
    given, done, _ = case
    for skill in np.flatnonzero(~skills_of(given, done)).tolist():
        found = path_to_skill(given, done, skill)
        builders = given.skills[:, [skill]].nonzero()[0].tolist()
        each = [path for item in builders if not isinstance(path := required_path(given, done, item), Block)]
        assert isinstance(found, Block) == (not each)
        if each:
            assert len(found) == min(map(len, each))
            assert skills_of(given, having(*found))[skill]
            steps = explain_steps(given, done, found, np.arange(3) == skill)
            assert [step.item for step in steps] == found


def test_prerequisites_of_prerequisites_come_first_and_what_is_done_is_left_out() -> None:
    given = curriculum({3: [2, 1], 2: [1, 0], 6: [5]})
    assert path_to_item(given, having(), 3) == [0, 1, 2, 3]
    assert path_to_item(given, having(1, 2), 3) == [3]


def test_levels_rise_by_one_and_a_gap_is_bridged_by_what_is_related() -> None:
    levels = [0, 1, 1, 1, 2, 0, 0]
    assert path_to_item(curriculum(levels=levels), having(0), 4) == [1, 4]
    assert path_to_item(curriculum(levels=levels, skills={2: [0], 4: [0]}), having(0), 4) == [2, 4]
    assert path_to_item(curriculum(levels=levels, follows={(3, 4): 0.2}), having(0), 4) == [3, 4]
    assert path_to_item(curriculum(levels=levels), having(), 4) == [0, 1, 4]


def test_a_bridge_brings_its_prerequisites() -> None:
    given = curriculum({1: [5, 6], 2: [5]}, levels=[0, 1, 1, -1, 2, 0, 0])
    assert path_to_item(given, having(0), 4) == [5, 2, 4]


def test_a_level_that_no_item_has_is_no_step() -> None:
    assert path_to_item(curriculum(levels=[0, 2, 2, 0, 0, 0, 0]), having(0), 1) == [1]


def test_the_likeliest_chain_fills_what_nothing_declares() -> None:
    follows = {(0, 1): 0.5, (1, 2): 0.4, (2, 4): 0.5, (0, 3): 0.2, (3, 4): 0.45}
    assert path_to_item(curriculum(follows=follows), having(0), 4) == [1, 2, 4]
    assert path_to_item(curriculum(follows={**follows, (1, 2): 0.3}), having(0), 4) == [3, 4]
    assert path_to_item(curriculum(follows={**follows, (0, 4): 0.01}), having(0), 4) == [4]
    assert path_to_item(curriculum(follows=follows), having(), 4) == [4]
    assert path_to_item(curriculum({3: [5]}, follows={**follows, (1, 2): 0.3}), having(0), 4) == [1, 2, 4]
    assert path_to_item(curriculum({4: [6]}, follows=follows), having(0), 4) == [6, 4]
    assert path_to_item(curriculum({4: [6]}, follows=follows), having(0, 6), 4) == [4]


@pytest.mark.parametrize(
    ("given", "block"),
    [
        (curriculum({4: [2]}, gone=[4]), Block("unavailable", 4)),
        (curriculum({4: [2], 2: [1]}, gone=[1]), Block("prerequisite_unavailable", 1)),
        (curriculum({4: [2], 2: [1], 1: [2]}), Block("prerequisite_cycle", 1)),
        (curriculum({1: [2], 2: [1]}, levels=[0, 1, 1, 0, 2, 0, 0]), Block("level_gap", 4)),
    ],
)
def test_a_goal_that_cannot_be_reached_says_why(given: Curriculum, block: Block) -> None:
    assert path_to_item(given, having(0), 4) == block


def test_a_skill_that_only_gone_items_build() -> None:
    assert path_to_skill(curriculum(gone=[2], skills={2: [1]}), having(0), 1) == Block("unavailable", 2)
    assert path_to_skill(curriculum(), having(0), 1) == Block("unavailable", -1)


def test_each_step_has_its_reason() -> None:
    given = curriculum({4: [1, 2], 2: [0]}, levels=[0, 0, 1, 1, 2, 2, 2], skills={1: [0], 4: [0, 1], 6: [1], 3: [2]})
    wanted = np.array([True, True, False])
    assert explain_steps(given, having(), [0, 1, 2, 4], wanted) == [
        Step(0, "prerequisite", 2, 0.0, ()),
        Step(1, "prerequisite", 4, 0.0, (0,)),
        Step(2, "prerequisite", 4, 0.0, ()),
        Step(4, "goal", -1, 0.0, (1,)),
    ]
    given = curriculum(levels=[0, 1, 1, 2, 3, 0, 0], skills={2: [0], 3: [1], 4: [0]}, follows={(0, 1): 0.25})
    assert explain_steps(given, having(0), [1, 2, 3, 4], np.array([True, False, False])) == [
        Step(1, "taken_next", 0, 0.25, ()),
        Step(2, "builds_skill", 4, 0.0, (0,)),
        Step(3, "level", 4, 0.0, (1,)),
        Step(4, "goal", -1, 0.0, ()),
    ]
    assert explain_steps(given, having(0), [], wanted) == []
