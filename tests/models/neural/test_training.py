import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np
import pytest

from models.neural import training
from models.neural.checkpoints import load_progress
from models.neural.config import TrainingConfig
from models.neural.training import Trainer
from nightschool.checkpoints import checkpoints_below
from nightschool.curves import CurveFile, curves_to, read_curves
from nightschool.errors import NightschoolError, Unavailable
from tests.models.neural.killed_training import KILLED

ROOT = Path(__file__).parents[3]


class DescentConfig(TrainingConfig):
    weighty: ClassVar[tuple[str, ...]] = ("batch", "epochs")


CONFIG = DescentConfig(batch=20, epochs=4, patience=4, learning_rate=0.01)

VICTIM = KILLED.format(
    imported="from tests.models.neural.test_training import Descent", trainer="training.Trainer(Descent())"
)


@dataclass
class Descent:
    """Descends to what is planted, with momentum."""

    config: TrainingConfig = CONFIG
    seed: int = 7
    planted: np.ndarray = field(default_factory=lambda: np.arange(3, dtype=np.float32))
    name: str = "descent"

    def initial(self) -> dict[str, np.ndarray]:
        return {"place": np.random.default_rng(self.seed).standard_normal(3).astype(np.float32)}

    def moments(self, parameters: Mapping[str, np.ndarray]) -> Any:
        return {"momentum": np.zeros_like(parameters["place"]), "passes": np.int32(0)}

    def epoch(self, parameters: Mapping[str, np.ndarray], moments: Any, number: int) -> tuple[float, Any, Any]:
        assert moments["passes"] == number
        away = parameters["place"] - self.planted
        momentum = np.float32(0.5) * moments["momentum"] + away
        moved = parameters["place"] - np.float32(0.1) * momentum
        return float((away**2).sum()), {"place": moved}, {"momentum": momentum, "passes": moments["passes"] + 1}

    def value(self, parameters: Mapping[str, np.ndarray], loss: float) -> float:
        return -loss

    def facts(self) -> Iterable[object]:
        return self.seed, self.planted


def with_config(**settings: object) -> Descent:
    return Descent(CONFIG.model_copy(update=settings))


def test_passes_lead_to_what_is_planted_and_are_noted_as_curves(tmp_path: Path) -> None:
    with curves_to(CurveFile(tmp_path / "curves")):
        trained = Trainer(with_config(epochs=200, patience=200)).train()
    np.testing.assert_allclose(trained.parameters["place"], [0, 1, 2], atol=1e-4)
    assert trained.note is None
    curves = read_curves(tmp_path / "curves")
    assert set(curves) == {"descent/loss", "descent/validation"}
    assert [step for step, _ in curves["descent/loss"]] == list(range(1, 201))
    assert [-value for _, value in curves["descent/validation"]] == [loss for _, loss in curves["descent/loss"]]


def test_a_killed_training_goes_on_and_ends_with_the_same_bits_and_curves(tmp_path: Path) -> None:
    with curves_to(CurveFile(tmp_path / "undisturbed")):
        undisturbed = Trainer(Descent()).train().parameters
    killed = subprocess.run([sys.executable, "-c", VICTIM, str(tmp_path / "kept")], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    (folder,) = (tmp_path / "kept").iterdir()
    before = load_progress(folder)
    assert before is not None
    assert before.epoch == 2
    for curves in ("resumed", "finished"):
        with checkpoints_below(tmp_path / "kept"), curves_to(CurveFile(tmp_path / curves)):
            np.testing.assert_array_equal(Trainer(Descent()).train().parameters["place"], undisturbed["place"])
        assert read_curves(tmp_path / curves) == read_curves(tmp_path / "undisturbed")


def test_other_data_settings_and_seeds_have_other_checkpoints() -> None:
    first = Trainer(Descent())
    others = (Descent(seed=8), with_config(batch=21), Descent(planted=np.ones(3, np.float32)))
    assert len({first.fingerprint(), *(Trainer(other).fingerprint() for other in others)}) == 4
    assert first.fingerprint() == Trainer(Descent()).fingerprint()


def test_it_stops_without_progress_and_keeps_the_best_pass() -> None:
    values, seen = iter([0.1, 0.3, 0.2, 0.25, 0.1, 0.9]), []

    class Wavering(Descent):
        def value(self, parameters: Mapping[str, np.ndarray], loss: float) -> float:
            seen.append(parameters)
            return next(values)

    best = Trainer(Wavering(CONFIG.model_copy(update={"epochs": 50, "patience": 3}))).train().parameters
    assert len(seen) == 5
    assert best is seen[1]


def test_minutes_end_it_and_count_across_interruptions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 25))  # two looks at the clock a pass, one between
    monkeypatch.setattr(training, "monotonic", lambda: next(clock))
    with checkpoints_below(tmp_path):
        trained = Trainer(with_config(epochs=50, patience=50, max_minutes=2)).train()
        assert trained.note == "descent.max_minutes=2 ended the training after pass 4"
        (folder,) = tmp_path.iterdir()
        progress = load_progress(folder)
        assert progress is not None
        assert (progress.epoch, progress.seconds) == (4, 100)
        assert Trainer(with_config(epochs=50, patience=50, max_minutes=2)).train().note == trained.note
    one = Trainer(with_config(epochs=50, patience=50, max_minutes=0.1)).train()
    assert one.note == "descent.max_minutes=0.1 ended the training after pass 1"
    assert Trainer(with_config(max_minutes=1e6)).train().note is None


def failing(error: Exception | None = None, loss: float = 0.0) -> Descent:
    class Failing(Descent):
        def epoch(self, parameters: Mapping[str, np.ndarray], moments: Any, number: int) -> tuple[float, Any, Any]:
            if error is not None:
                raise error
            return loss, parameters, moments

    return Failing()


def test_a_loss_that_is_not_a_number_stops_with_a_reason() -> None:
    with pytest.raises(NightschoolError, match=r"not finite in pass 1.*lower descent\.learning_rate"):
        Trainer(failing(loss=float("nan"))).train()


def test_a_device_without_memory_says_what_to_lower() -> None:
    exhausted = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")
    with pytest.raises(Unavailable, match=r"out of memory.*batch=20.*lower descent\.batch or descent\.epochs"):
        Trainer(failing(exhausted)).train()


def test_another_failure_of_the_device_is_not_renamed() -> None:
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        Trainer(failing(jax.errors.JaxRuntimeError("INTERNAL: something else"))).train()
