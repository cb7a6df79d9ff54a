import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from models.sequential import sasrec_training
from models.sequential.sasrec_checkpoints import load_progress
from models.sequential.sasrec_config import SasRecConfig
from models.sequential.sasrec_training import Trainer
from nightschool.checkpoints import checkpoints_below
from nightschool.errors import NightschoolError, Unavailable
from tests.models.sequential.courses import courses
from tests.models.sequential.test_sasrec_batches import LENGTH, lessons_of

ROOT = Path(__file__).parents[3]
CONFIG = SasRecConfig(width=8, length=LENGTH, batch=20, epochs=4, patience=4, learning_rate=0.01)

VICTIM = """
import os, signal, sys
from pathlib import Path
from models.sequential import sasrec_checkpoints, sasrec_training
from nightschool.checkpoints import checkpoints_below
from tests.models.sequential.test_sasrec_training import trainer

write, calls = sasrec_checkpoints.atomic_write_text, []

def die_in_the_third(path, text):
    calls.append(path)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, text)

sasrec_checkpoints.atomic_write_text = die_in_the_third
sasrec_training.SECONDS_BETWEEN = 0
with checkpoints_below(Path(sys.argv[1])):
    trainer().train()
"""


def trainer(config: SasRecConfig = CONFIG, seed: int = 7) -> Trainer:
    return Trainer(lessons_of(courses())[0], config, seed)


def test_a_killed_training_goes_on_and_ends_with_the_same_bits(tmp_path: Path) -> None:
    undisturbed = trainer().train()
    killed = subprocess.run([sys.executable, "-c", VICTIM, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    (folder,) = tmp_path.iterdir()
    before = load_progress(folder)
    assert before is not None
    assert before.epoch == 2
    with checkpoints_below(tmp_path):
        resumed = trainer().train()
        passes = forbidden_passes(trainer())
    for name, array in undisturbed.items():
        np.testing.assert_array_equal(resumed[name], array)
        np.testing.assert_array_equal(passes[name], array)


def forbidden_passes(finished: Trainer) -> dict[str, np.ndarray]:
    """Train what is finished already, which makes no pass."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sasrec_training, "step", None)
        return dict(finished.train())


def test_other_data_settings_and_seeds_have_other_checkpoints() -> None:
    first = trainer()
    others = (
        trainer(seed=8),
        trainer(CONFIG.model_copy(update={"dropout": 0.1})),
        replace(first, training_set=lessons_of(courses(), seed=1)[0]),
    )
    assert len({first.fingerprint(), *(other.fingerprint() for other in others)}) == 4
    assert first.fingerprint() == trainer().fingerprint()


def losing(loss: float) -> Callable[..., object]:
    return lambda parameters, moments, *_: (parameters, moments, np.float32(loss))


def test_it_stops_without_progress_and_keeps_the_best_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([0.1, 0.3, 0.2, 0.25, 0.1, 0.9])
    seen = []

    def value(_: Trainer, parameters: dict[str, np.ndarray], __: float) -> float:
        seen.append(parameters)
        return next(values)

    monkeypatch.setattr(Trainer, "_value", value)
    best = trainer(CONFIG.model_copy(update={"epochs": 50, "patience": 3})).train()
    assert len(seen) == 5
    assert best is seen[1]


def test_a_loss_that_is_not_a_number_stops_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sasrec_training, "step", losing(float("nan")))
    with pytest.raises(NightschoolError, match=r"not finite in pass 1.*lower sasrec\.learning_rate"):
        trainer().train()


def test_a_device_without_memory_says_what_to_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")

    monkeypatch.setattr(sasrec_training, "step", exhausted)
    with pytest.raises(Unavailable, match=r"out of memory.*batch=20.*lower sasrec\.batch"):
        trainer().train()


def test_another_failure_of_the_device_is_not_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(sasrec_training, "step", failing)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        trainer().train()
