from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from nightschool import spark_session
from nightschool.errors import DataRefused, Unavailable
from nightschool.spark_session import java_version, require_spark, spark_errors


@pytest.fixture(autouse=True)
def _with_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_session, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setattr(spark_session, "version", lambda _: "4.3.0")
    monkeypatch.delenv("JAVA_HOME", raising=False)


def java(folder: Path, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Java that says this of its version, as the home that Spark would start."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(folder))


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("no number", None),
    ],
)
def test_the_version_of_java_is_read(told: str, number: int | None, tmp_path: Path, monkeypatch) -> None:
    java(tmp_path, told, monkeypatch)
    assert java_version() == number


def test_a_java_that_is_new_enough_is_named(tmp_path: Path, monkeypatch) -> None:
    java(tmp_path, 'openjdk version "17.0.15"', monkeypatch)
    assert require_spark() == "Spark 4.3.0, Java 17"


def test_an_old_java_is_refused_by_its_version(tmp_path: Path, monkeypatch) -> None:
    java(tmp_path, 'openjdk version "11.0.2"', monkeypatch)
    with pytest.raises(Unavailable, match="too old for Spark; saw '11'; install Java 17"):
        require_spark()


@pytest.mark.parametrize("home", [None, "/nowhere"])
def test_no_java_is_refused(home: str | None, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    if home:
        monkeypatch.setenv("JAVA_HOME", home)
    with pytest.raises(Unavailable, match="Spark needs Java"):
        require_spark()


def test_no_pyspark_is_refused_with_the_command_that_installs_it(monkeypatch) -> None:
    monkeypatch.setattr(spark_session, "find_spec", lambda _: None)
    with pytest.raises(Unavailable, match="make spark"):
        require_spark()


@pytest.mark.parametrize(
    "text",
    [
        "org.apache.spark.SparkException: All masters are unresponsive! Giving up.",
        "Job 3 cancelled because SparkContext was shut down",
        "first\nExecutorLostFailure (executor 1 exited): Command exited with code 137",
        "Python worker exited unexpectedly (crashed)",
    ],
)
def test_what_says_that_spark_is_gone_is_told_in_one_line(text: str) -> None:
    with pytest.raises(Unavailable, match="Spark does not answer, or has failed") as told, spark_errors():
        raise RuntimeError(text)
    assert "\n" not in str(told.value)
    assert told.value.exit_code == 7


def test_defects_and_refusals_stay_what_they_are() -> None:
    with pytest.raises(ZeroDivisionError), spark_errors():
        raise ZeroDivisionError
    with pytest.raises(DataRefused), spark_errors():
        raise DataRefused("no")
