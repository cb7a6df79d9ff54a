import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.neural.checkpoints import load_progress
from models.neural.training import Trainer
from models.sequential import sasrec_training
from models.sequential.sasrec_batches import HeldOut
from models.sequential.sasrec_config import SasRecConfig
from models.sequential.sasrec_training import SasRecTask
from nightschool.checkpoints import checkpoints_below
from tests.models.neural.killed_training import KILLED
from tests.models.sequential.courses import courses
from tests.models.sequential.test_sasrec_batches import LENGTH, lessons_of

ROOT = Path(__file__).parents[3]
CONFIG = SasRecConfig(width=8, length=LENGTH, batch=20, epochs=4, patience=4, learning_rate=0.01)

VICTIM = KILLED.format(imported="from tests.models.sequential.test_sasrec_training import trainer", trainer="trainer()")


def trainer(config: SasRecConfig = CONFIG, seed: int = 7) -> Trainer:
    return Trainer(SasRecTask(lessons_of(courses())[0], config, seed))


def test_a_killed_training_goes_on_and_ends_with_the_same_bits(tmp_path: Path) -> None:
    undisturbed = trainer().train().parameters
    killed = subprocess.run([sys.executable, "-c", VICTIM, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    (folder,) = tmp_path.iterdir()
    before = load_progress(folder)
    assert before is not None
    assert before.epoch == 2
    with checkpoints_below(tmp_path):
        resumed = trainer().train().parameters
        passes = forbidden_passes(trainer())
    for name, array in undisturbed.items():
        np.testing.assert_array_equal(resumed[name], array)
        np.testing.assert_array_equal(passes[name], array)


def forbidden_passes(finished: Trainer) -> dict[str, np.ndarray]:
    """Train what is finished already, which makes no pass."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sasrec_training, "step", None)
        return dict(finished.train().parameters)


def test_other_data_settings_and_seeds_have_other_checkpoints() -> None:
    first = trainer()
    others = (
        trainer(seed=8),
        trainer(CONFIG.model_copy(update={"dropout": 0.1})),
        Trainer(SasRecTask(lessons_of(courses(), seed=1)[0], CONFIG, seed=7)),
    )
    assert len({first.fingerprint(), *(other.fingerprint() for other in others)}) == 4
    assert first.fingerprint() == trainer().fingerprint()


def test_without_anything_held_out_the_loss_is_the_value() -> None:
    task = trainer().task
    none = replace(task.training_set, held_out=HeldOut(np.zeros(0, np.int32), task.training_set.held_out.histories))
    assert replace(task, training_set=none).value({}, 0.25) == -0.25
