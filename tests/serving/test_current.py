import json
from pathlib import Path

import pytest

from nightschool.columns import ERASURES
from nightschool.errors import Unreachable
from nightschool.night.run import Home
from nightschool.settings import Settings
from nightschool.storage.releases import Release
from nightschool.storage.serving_files import lists_path
from serving.current import Current
from tests.serving.homes import publish, settings_of

CONTENT = {"components": [{"model": "content"}]}


@pytest.fixture
def current(own_home: Home) -> Current:
    """What is served of a home with one release."""
    current = Current(settings_of(own_home))
    assert current.refresh()
    return current


def release_of(home: Home) -> Release:
    release = home.releases.current()
    assert release is not None
    return release


def test_a_home_without_data_serves_nothing(tmp_path: Path) -> None:
    current = Current(Settings(home=tmp_path))
    assert not current.refresh()
    assert not current.opened
    assert current.lake() is None
    with pytest.raises(Unreachable, match="no release is published yet"):
        _ = current.snapshot


def test_the_current_release_is_opened_once(current: Current, own_home: Home) -> None:
    assert current.snapshot.release == release_of(own_home)
    before = current.snapshot
    assert not current.refresh()
    assert current.snapshot is before


def test_a_new_release_and_a_rollback_take_over(current: Current, own_home: Home) -> None:
    first = current.snapshot
    second = publish(own_home, CONTENT)
    assert current.snapshot is first
    assert current.refresh()
    assert current.snapshot.release.release_id == second.release_id != first.release.release_id
    own_home.releases.rollback(first.release.release_id, "worse")
    assert current.refresh()
    assert current.snapshot.release.release_id == first.release.release_id
    assert not current.refresh()


def test_rows_that_publish_nothing_change_nothing(current: Current, own_home: Home) -> None:
    before = current.snapshot
    own_home.releases.hold("wait")
    assert not current.refresh()
    own_home.releases.unhold()
    assert not current.refresh()
    assert current.snapshot is before


def test_an_erasure_opens_the_release_anew(current: Current, own_home: Home) -> None:
    before = current.snapshot
    own_home.paths.erasure.parent.mkdir(parents=True, exist_ok=True)
    own_home.paths.erasure.write_text(json.dumps({}))
    assert current.refresh()
    assert current.snapshot is not before
    own_home.paths.erasure.unlink()
    assert current.refresh()
    own_home.lake.append(ERASURES, own_home.lake.schema(ERASURES).to_frame())
    again = current.snapshot
    assert current.refresh()
    assert current.snapshot is not again
    assert not current.refresh()


def test_a_release_that_cannot_be_opened_keeps_the_old_one_and_is_tried_again(
    current: Current, own_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    before = current.snapshot
    path = lists_path(own_home.paths.serving, publish(own_home, CONTENT).release_id)
    whole = path.read_bytes()
    for broken in (b"", b"no arrow", whole[:100], None):
        path.unlink()
        if broken is not None:
            path.write_bytes(broken)
        assert not current.refresh()
        assert current.snapshot is before
        assert "cannot be opened yet" in caplog.text
        caplog.clear()
        path.write_bytes(whole)
    assert current.refresh()
    assert current.snapshot is not before


def test_old_readers_keep_their_release(current: Current, own_home: Home) -> None:
    before = current.snapshot
    listed = before.lists.columns_of(1)
    publish(own_home, CONTENT)
    assert current.refresh()
    assert before.lists.columns_of(1) == listed
