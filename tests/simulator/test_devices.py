import numpy as np
import polars as pl

from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.devices import DEVICES, HABIT, SHARES, TYPE_DEVICES, draw_habits, suitability, with_devices
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth
from nightschool.simulator.vocabulary import TYPES


def test_the_planted_suitability_is_as_it_was_set() -> None:
    assert (SHARES, HABIT) == ((0.5, 0.35, 0.15), 4.0)
    assert TYPE_DEVICES == {
        "Video": (1.0, 0.6, 2.0),
        "Article": (0.5, 2.0, 1.0),
        "Interactive Quiz": (0.3, 3.0, 1.0),
        "Case Study": (4.0, 0.2, 0.6),
    }


def test_devices_are_drawn_by_habit_and_type() -> None:
    rng = np.random.default_rng(1)
    content = pl.DataFrame({"type": ["Video", "Article", "Interactive Quiz", "Case Study", "Video"]})
    habits, suits = draw_habits(3, rng), suitability(content)
    pairs = [(user, item) for user in (1, 2, 3) for item in range(1, 6)] * 4000
    log = pl.DataFrame(pairs, schema=["user_id", "content_id"], orient="row")
    drawn = with_devices(log, habits, suits, content, rng)
    assert drawn.drop("device").equals(log)
    shares = drawn.group_by("user_id", "content_id").agg(pl.col("device").eq("mobile").mean())
    for user, item, mobile in shares.iter_rows():
        weights = habits[user - 1] * np.array(TYPE_DEVICES[content["type"][item - 1]])
        assert abs(mobile - weights[DEVICES.index("mobile")] / weights.sum()) < 0.04


def test_a_simulation_writes_devices_and_their_truth(tmp_path) -> None:
    simulate(SimulatorConfig(users=300, items=40, interactions=9_000, seed=3, devices=True), tmp_path)
    log, content = pl.read_csv(tmp_path / "engagements.csv"), pl.read_csv(tmp_path / "content.csv")
    truth = Truth.read(tmp_path / "truth.parquet")
    assert truth.habits is not None
    assert truth.suits is not None
    assert truth.habits.shape == (300, 3)
    assert np.array_equal(truth.suits, suitability(content))
    mobile = log.join(content, on="content_id").group_by("type").agg(pl.col("device").eq("mobile").mean())
    shares = dict(mobile.iter_rows())
    assert sorted(shares, key=shares.__getitem__) == ["Case Study", "Video", "Article", "Interactive Quiz"]
    assert set(shares) == set(TYPES)


def test_in_independent_mode_a_device_says_nothing_of_the_item(tmp_path) -> None:
    simulate(SimulatorConfig(users=300, items=40, interactions=20_000, mode="independent", devices=True), tmp_path)
    log, content = pl.read_csv(tmp_path / "engagements.csv"), pl.read_csv(tmp_path / "content.csv")
    mobile = log.join(content, on="content_id").group_by("type").agg(pl.col("device").eq("mobile").mean())
    assert max(mobile["device"]) - min(mobile["device"]) < 0.05


def test_devices_change_nothing_else(tmp_path) -> None:
    size = {"users": 30, "items": 10, "interactions": 300}
    with_them, without = (
        simulate(SimulatorConfig(devices=devices, **size), tmp_path / str(devices)).files for devices in (True, False)
    )
    for one, other in zip(with_them[:2], without[:2], strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert pl.read_csv(with_them[2]).drop("device").equals(pl.read_csv(without[2]))
