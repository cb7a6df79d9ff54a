import logging
import time

import pytest

from nightschool.application import notify as notifying
from nightschool.application.notify import beat, notify
from tests.application.hooks import hook


@pytest.fixture
def addresses(monkeypatch):
    return lambda text: monkeypatch.setenv("NIGHTSCHOOL_NOTIFY", text)


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_message_reaches_every_address(addresses, log):
    with hook() as one, hook() as two, hook() as three:
        addresses(f"{one.address}, {two.address} {three.address}")
        notify("Nightschool: failed", "why")
    for each in (one, two, three):
        assert [(document["title"], document["message"]) for document in each.sent] == [("Nightschool: failed", "why")]
    assert not [record for record in log.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("address", ["json://someone:secret@127.0.0.1:1/hook", "nosuch://someone:secret@host"])
def test_an_address_that_does_not_answer_is_a_warning_without_its_secrets(address, addresses, log, capfd):
    addresses(address)
    notify("Nightschool: failed", "why")
    warnings = [record.getMessage() for record in log.records if record.levelno >= logging.WARNING]
    assert warnings == ["a message was not delivered to every address of NIGHTSCHOOL_NOTIFY: Nightschool: failed"]
    assert "secret" not in log.text
    assert "secret" not in "".join(capfd.readouterr())


def test_an_address_that_never_answers_delays_nobody_for_long(addresses, log, monkeypatch):
    monkeypatch.setattr(notifying, "SECONDS", 0.3)
    with hook(delay=60) as slow:
        addresses(slow.address)
        started = time.monotonic()
        notify("Nightschool: failed", "why")
        assert time.monotonic() - started < 3
    assert "was not delivered" in log.text


def test_what_a_plugin_raises_is_a_warning(addresses, log, monkeypatch):
    def raising(*_):
        raise ZeroDivisionError("secret")

    addresses("json://127.0.0.1:1")
    monkeypatch.setattr(notifying, "_deliver", raising)
    notify("Nightschool: failed", "why")
    assert "was not delivered" in log.text
    assert "secret" not in log.text


def test_without_an_address_nobody_is_told(log):
    notify("Nightschool: failed", "why")
    beat()
    assert log.text == ""


def test_the_heart_beats_with_one_get(monkeypatch, log):
    with hook() as watchdog:
        monkeypatch.setenv("NIGHTSCHOOL_HEARTBEAT", f"http://127.0.0.1:{watchdog.port}/ping/secret")
        beat()
    assert watchdog.asked == ["/ping/secret"]
    assert log.text == ""


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/secret", "file:///etc/passwd?secret", "secret"])
def test_a_heart_that_nobody_hears_is_a_warning(address, monkeypatch, log):
    monkeypatch.setenv("NIGHTSCHOOL_HEARTBEAT", address)
    beat()
    assert "NIGHTSCHOOL_HEARTBEAT did not answer" in log.text
    assert "secret" not in log.text
