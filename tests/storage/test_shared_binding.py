from pathlib import Path

import pytest

from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding, bind, get_binding
from nightschool.storage.shared_binding import BINDING, MANIFEST, share_binding, take_binding
from nightschool.storage.store import Store
from tests.storage.stores import in_memory


def bound(paths: HomePaths, manifest: str = "learning") -> Binding:
    """Binds a home, unless it is bound already."""
    wanted = Binding(
        dataset="learning", manifest=manifest, source_root=paths.root / "src", user_id="Int64", item_id="Int64"
    )
    return bind(paths.binding, wanted)


@pytest.fixture
def store() -> Store:
    return in_memory()


def test_another_machine_is_bound_to_the_same_dataset(tmp_path: Path, store: Store) -> None:
    one, two = HomePaths(tmp_path / "one"), HomePaths(tmp_path / "two")
    binding = bound(one)
    share_binding(one, store)
    take_binding(two, store)
    assert get_binding(two.binding) == binding
    assert store.read(MANIFEST) is None


def test_a_manifest_of_ones_own_goes_along(tmp_path: Path, store: Store) -> None:
    one, two = HomePaths(tmp_path / "one"), HomePaths(tmp_path / "two")
    file = tmp_path / "shop.toml"
    file.write_text('name = "learning"', encoding="utf-8")
    bound(one, str(file))
    share_binding(one, store)
    take_binding(two, store)
    manifest = Path(get_binding(two.binding).manifest)
    assert manifest == two.root / MANIFEST
    assert manifest.read_text(encoding="utf-8") == 'name = "learning"'


def test_a_home_that_is_bound_keeps_its_own_paths(tmp_path: Path, store: Store) -> None:
    one, two = HomePaths(tmp_path / "one"), HomePaths(tmp_path / "two")
    bound(one)
    share_binding(one, store)
    mine = bound(two)
    take_binding(two, store)
    assert get_binding(two.binding) == mine


def test_what_is_there_is_not_put_again(tmp_path: Path, store: Store) -> None:
    one = HomePaths(tmp_path / "one")
    share_binding(one, store)
    assert store.entries() == {}
    bound(one)
    share_binding(one, store)
    written = store.entries()
    share_binding(one, store)
    assert store.entries() == written
    assert list(written) == [BINDING]
