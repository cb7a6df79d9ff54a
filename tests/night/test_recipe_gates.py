from dataclasses import replace

import numpy as np
import pytest

from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.estimate import Estimate
from nightschool.night.gates import Gate
from nightschool.night.recipe_gates import MODEL_GATES, OFF_POLICY, SUPERIOR, ModelGate

BASE = np.linspace(0.2, 0.8, 300)
COMPARED = {
    "learnable": (BASE + 0.1, BASE),
    "superior": (BASE + 0.1, BASE),
    "anchor": (BASE, BASE - 0.1),
    "floor": (BASE, BASE - 0.1),
}
"""Values of ndcg@10 that pass a gate, and that do not, over another recipe's, which are `BASE`."""


def evaluation(values: Float64s) -> Evaluation:
    return Evaluation(np.arange(len(values), dtype=np.int32), {"ndcg": {10: values}}, {})


def test_every_gate_of_the_models_has_its_two_evaluations() -> None:
    assert list(COMPARED) == [gate.name for gate in MODEL_GATES]


@pytest.mark.parametrize("gate", MODEL_GATES, ids=lambda gate: gate.name)
def test_a_gate_of_the_models_passes_one_and_blocks_the_other(gate: ModelGate) -> None:
    passing, breaking = (gate.ask(evaluation(values), evaluation(BASE)) for values in COMPARED[gate.name])
    assert (passing.passed, breaking.passed) == (True, False)
    assert passing.name == gate.name
    assert passing.demanded == gate.demanded
    assert breaking.seen.startswith(("+0.0000 [", "-0.1000 ["))


def test_a_smaller_error_demands_more() -> None:
    noisy = BASE + 0.01 + np.random.default_rng(0).normal(0, 0.06, 300)
    usual, strict = (SUPERIOR.ask(evaluation(noisy), evaluation(BASE), tail) for tail in (0.025, 0.0001))
    assert (usual.passed, strict.passed) == (True, False)
    assert strict.demanded == f"{SUPERIOR.demanded}, at 0.010% on one side"


CLICKS = Estimate(-0.02, -0.03, -0.01, n_lists=4_000, n_users=1_000, ess=900.0, support=1.0, clipped=0.0)


@pytest.mark.parametrize(
    ("found", "passed", "seen"),
    [
        (CLICKS, False, "-0.0200 [-0.0300, -0.0100] (4,000 lists, effective sample size 900)"),
        (replace(CLICKS, ci_high=0.01), True, "-0.0200 [-0.0300, +0.0100] (4,000 lists, effective sample size 900)"),
        (replace(CLICKS, ess=499.0), True, "not asked: effective sample size 499 of at least 500"),
        (replace(CLICKS, support=0.8), True, "not asked: support 0.80 of at least 0.9"),
    ],
    ids=["fewer clicks", "no difference shown", "too little exploration", "lists that could not be shown"],
)
def test_off_policy_fails_only_where_fewer_clicks_are_shown(found: Estimate, passed: bool, seen: str) -> None:
    assert OFF_POLICY.ask(found) == Gate("off_policy", passed, seen, OFF_POLICY.demanded)
