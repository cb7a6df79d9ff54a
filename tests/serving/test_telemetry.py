import json
import logging
import sys
from pathlib import Path

import pytest

from serving.telemetry import JsonLines, exposition, log_as_json


def record(message: str, **told: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelname": "INFO"})
    made.__dict__.update(told)
    return made


def test_a_line_is_one_object() -> None:
    line = JsonLines().format(record('a "b"\nc', details={"status": 200, "path": Path("/x")}))
    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["level"], told["status"], told["path"]) == ('a "b"\nc', "INFO", 200, "/x")


def test_an_error_is_told_in_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        line = JsonLines().format(record("went wrong", exc_info=sys.exc_info()))
    assert "ValueError: why" in json.loads(line)["error"]


def test_the_servers_own_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("nightschool.serving")
    before = (logger.handlers, logger.propagate, logger.level)
    try:
        log_as_json()
        logger.info("here")
    finally:
        logger.handlers, logger.propagate, logger.level = before
    assert json.loads(capsys.readouterr().err)["message"] == "here"


def test_figures_are_told_of_this_process_or_of_all(tmp_path: Path) -> None:
    assert b"nightschool_lists_asked_total" in exposition(None)
    assert exposition(str(tmp_path)) == b""
