"""The webhook with a real receiver: what it gets, how often, and what happens while it does not answer."""

import hashlib
import hmac
import json
import logging
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightschool import webhook
from nightschool.errors import Unreachable
from nightschool.settings import Settings
from nightschool.storage.binding import Binding, bind
from nightschool.storage.lake import Lake
from nightschool.storage.lock import home_lock
from nightschool.storage.releases import Draft, Release, Releases
from nightschool.webhook import ReleaseWebhook, sign, tell_of_release
from tests.application.hooks import Hook, hook

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
SECRET = "whsec_" + b64encode(b"a secret of 24 bytes or more").decode()


def settings(home: Path, receiver: Hook | None = None, **more: str) -> Settings:
    address = f"http://127.0.0.1:{receiver.port}/hook" if receiver else "http://user:hidden@127.0.0.1:9/hook"
    return Settings(home=home, webhook=address, **more)  # type: ignore[arg-type]


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    binding = Binding(dataset="learning", manifest="learning", source_root=tmp_path, user_id="Int64", item_id="Int64")
    bind(Settings(home=tmp_path).paths.binding, binding)
    return Releases(Lake(Settings(home=tmp_path).paths.lake, binding.user_dtype, binding.item_dtype))


def publish(releases: Releases, name: str) -> Release:
    draft = Draft(release_id=name, as_of=MONDAY, run_key=name, reason="shown better")
    current = releases.current()
    return releases.publish(draft, current.commit_version if current else None)


def test_each_change_is_told_once_with_the_one_before(releases: Releases, tmp_path: Path) -> None:
    with hook() as receiver:
        told = settings(tmp_path, receiver)
        tell_of_release(told)
        first = publish(releases, "a")
        for _ in range(3):
            tell_of_release(told)
            ReleaseWebhook(told).tell("learning", first)
        publish(releases, "b")
        tell_of_release(told)
        ReleaseWebhook(told).tell("learning", first)
        releases.rollback("a", "the second is odd")
        tell_of_release(told)
    assert [message["type"] for message in receiver.sent] == ["release.changed"] * 3
    data = [message["data"] for message in receiver.sent]
    assert [(one["release_id"], one["previous_release_id"]) for one in data] == [("a", None), ("b", "a"), ("a", "b")]
    assert data[2]["reason"] == "the second is odd"
    assert {one["dataset"] for one in data} == {"learning"}
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 3


def test_a_message_is_signed_as_the_specification_says(releases: Releases, tmp_path: Path) -> None:
    publish(releases, "a")
    with hook() as receiver:
        tell_of_release(settings(tmp_path, receiver, webhook_secret=SECRET))
    (headers,), (body,) = receiver.headers, receiver.bodies
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{b64encode(expected).decode()}"
    assert json.loads(body)["data"]["release_id"] == "a"


def test_the_signature_of_the_specifications_own_example() -> None:
    body = '{"test": 2432232314}'
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert sign(secret, message, "1614265330", body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_not_taken_is_told_later_with_a_pause_and_without_its_address(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    current = publish(releases, "a")
    with caplog.at_level(logging.WARNING):
        tell_of_release(settings(tmp_path))
    assert "NIGHTSCHOOL_WEBHOOK did not take a message" in caplog.text
    assert "hidden" not in caplog.text
    now = 1000.0
    monkeypatch.setattr(webhook, "monotonic", lambda: now)
    with hook(status=503) as busy:
        sender = ReleaseWebhook(settings(tmp_path, busy))
        for _ in range(3):
            for _ in range(2):
                with pytest.raises(Unreachable, match="status 503"):
                    sender.tell("learning", current)
            now += 600
    assert len(busy.sent) == 3
    assert len({headers["webhook-id"] for headers in busy.headers}) == 1
    with hook() as receiver:
        tell_of_release(settings(tmp_path, receiver))
    assert len(receiver.sent) == 1


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/x", "no address", "http://", "http://[::1"])
def test_an_address_that_is_none_is_a_warning(
    address: str, releases: Releases, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(releases, "a")
    tell_of_release(Settings(home=tmp_path, webhook=address))  # type: ignore[arg-type]
    assert "NIGHTSCHOOL_WEBHOOK did not take a message" in caplog.text


def test_one_process_tells_at_a_time(releases: Releases, tmp_path: Path) -> None:
    publish(releases, "a")
    with hook() as receiver:
        told = settings(tmp_path, receiver)
        with home_lock(told.paths.webhook_lock):
            tell_of_release(told)
        assert receiver.sent == []
        tell_of_release(told)
    assert len(receiver.sent) == 1


def test_a_damaged_note_is_written_again(releases: Releases, tmp_path: Path) -> None:
    publish(releases, "a")
    with hook() as receiver:
        told = settings(tmp_path, receiver)
        told.paths.webhook.write_text("{")
        tell_of_release(told)
        tell_of_release(told)
    assert len(receiver.sent) == 1
