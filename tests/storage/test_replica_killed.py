"""Machines that are killed between any two requests to the store they share, and answers that are lost."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightschool.errors import Busy, Unreachable
from nightschool.storage.lease import LEASE
from nightschool.storage.store import Store
from tests.storage.machines import Machine
from tests.storage.stores import in_memory


@pytest.mark.parametrize("seed", range(6))
def test_whatever_dies_between_two_requests_readers_see_whole_releases(seed: int, tmp_path: Path) -> None:
    _check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(100, 600, 50)], ids=str)
def test_the_same_on_many_more_seeds(seeds: range, tmp_path: Path) -> None:
    for seed in seeds:
        _check(seed, tmp_path / str(seed))


class _Killed(Exception):
    """The process that stood here is gone."""


def _check(seed: int, folder: Path) -> None:
    rng, store = random.Random(seed), in_memory()
    one, two, reader = (Machine(folder / name, store) for name in ("one", "two", "reader"))
    mortal = [True]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def maybe(*arguments: Any, **named: Any) -> Any:
            when = rng.random() if mortal[0] else 1.0
            if when < 0.02:
                raise _Killed
            found = call(*arguments, **named)
            if when < 0.04:
                raise Unreachable("the answer was lost", do="wait") if when < 0.03 else _Killed
            return found

        return maybe

    for name in ("put", "create", "fetch", "delete", "read"):
        setattr(store, name, dying(getattr(store, name)))
    published: list[str] = []
    for number in range(12):
        machine, release_id = rng.choice([one, two]), f"2024-05-{number + 1:02}-{number:08}"
        try:
            machine.night(release_id)
        except (_Killed, Unreachable, Busy):
            mortal[0] = False
            _give_back(store)
        mortal[0] = False
        found = reader.current()
        history = [row.release_id for row in reader.releases.history()]
        assert history[: len(published)] == published, f"seed {seed}"
        assert found == (history[-1] if history else None), f"seed {seed}"
        published, mortal[0] = history, True
    mortal[0] = False
    one.night("2024-06-01-ffffffff")
    assert reader.current() == two.current() == "2024-06-01-ffffffff"
    assert set(one.replica._local()) == set(reader.replica._local()), f"seed {seed}"


def _give_back(store: Store) -> None:
    """The lease of a process that is gone runs out."""
    found = store.read(LEASE)
    if found is not None:
        store.put(LEASE, json.dumps({**json.loads(found[0]), "until": None}).encode())
