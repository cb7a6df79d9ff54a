"""The Dockerfile by a real parser, a linter, and the rules of this house."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nightschool.cli import environment
from tests.docker.files import DOCKERFILE, ROOT, Instruction, image, instructions_of, stages

TARGETS = ("flows", "serving")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WITH_THE_SLIM_IMAGE = {"libc", "libm", "libpthread", "libdl", "librt", "libgcc_s", "libstdc++", "libz", "libresolv"}
"""What python:3.11-slim has of the system libraries that wheels may expect."""


def locked(name: str) -> dict[str, str]:
    """Version and hashes of each package of a lock file."""
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
    return {entry.partition("==")[0]: entry for entry in entries}


def copied() -> list[Instruction]:
    """Each COPY from the build context."""
    found = [instruction for stage in stages().values() for instruction in stage.instructions]
    return [instruction for instruction in found if instruction.name == "COPY" and "--from=" not in instruction.value]


def sources() -> set[str]:
    """What is copied from the build context."""
    return {word for instruction in copied() for word in instruction.words[:-1]}


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_image_from_elsewhere_is_pinned() -> None:
    known = stages()
    elsewhere = {stage.base for stage in known.values()} - set(known)
    assert elsewhere
    assert all(re.fullmatch(r"[a-z0-9/.-]+:\d+\.\d+\.\d+-[a-z0-9.-]+", base) for base in elsewhere)
    assert not [
        word
        for stage in known.values()
        for word in re.findall(r"--from=(\S+)", text(stage.instructions))
        if word not in known
    ]


def test_python_is_one_that_the_project_takes() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.13"
    assert stages()["base"].base.startswith("python:3.11.")


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_runs_as_nobody_in_particular(target: str) -> None:
    users = [instruction.value for instruction in instructions_of(target) if instruction.name == "USER"]
    assert users[-1] == "10001:10001"
    assert "--uid 10001" in text(instructions_of(target))


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_asked_for_its_health(target: str) -> None:
    path = {"flows": "/health", "serving": "/ready"}[target]
    python, option, code = image(target).healthcheck
    assert (python, option) == ("python", "-c")
    compile(code, "health", "exec")
    assert path in code


def test_the_targets_are_those_of_the_issue() -> None:
    assert set(stages()) == {"base", "builder", "flows-builder", "runtime", *TARGETS}


def test_nothing_comes_from_an_address() -> None:
    assert not [
        instruction for target in stages() for instruction in instructions_of(target) if instruction.name == "ADD"
    ]
    assert not re.findall(r"curl|wget|git clone|https?://(?!127\.0\.0\.1)", DOCKERFILE.read_text(encoding="utf-8"))


def test_no_secret_is_in_a_layer() -> None:
    every = [instruction for stage in stages().values() for instruction in stage.instructions]
    assert not [instruction for instruction in every if instruction.name == "ARG"]
    for instruction in every:
        assert not re.search(r"passw|secret|token|_key", instruction.value, re.IGNORECASE), instruction


def test_all_that_is_copied_exists_and_nothing_else_is_sent() -> None:
    assert all((ROOT / source).exists() for source in sources())
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == sources()
    assert [rule for rule in rules[1:] if not rule.startswith("!")] == ["**/__pycache__"]


def test_every_package_is_copied_into_its_own_place() -> None:
    packages = {name.partition(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
    folders = {instruction.value for instruction in copied() if Path(ROOT, instruction.words[0]).is_dir()}
    assert folders == {f"{package} {package}" for package in packages}


def test_flows_have_a_deployments_file_to_deploy() -> None:
    assert "prefect.yaml" in sources()
    assert "WORKDIR /app" in text(instructions_of("flows"))


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_in_an_image_calls_home(target: str) -> None:
    """What the command line sets for its own process is set for the servers too."""
    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GX_ANALYTICS_ENABLED": "false",
    }
    written = Path(environment.__file__).read_text(encoding="utf-8")
    assert all(f'"{name}": "{value}"' in written for name, value in quiet.items())
    assert quiet.items() <= image(target).environment.items()


def test_images_install_what_was_tested_and_no_tool_of_development() -> None:
    everything, run, serving = (locked(f"requirements{part}.lock") for part in ("", "-run", "-serving"))
    assert serving.items() < run.items() < everything.items()
    wanted = [re.match(r"[a-z0-9-]+", line).group() for line in PROJECT["project"]["dependencies"]]  # type: ignore[union-attr]
    assert set(wanted) <= {name.partition("[")[0] for name in serving}
    assert not set(run) & {"pytest", "mypy", "ruff", "playwright", "schemathesis", "hypothesis", "uv"}


def test_nights_train_with_jax_and_serving_has_none() -> None:
    run, serving = locked("requirements-run.lock"), locked("requirements-serving.lock")
    assert {"jax", "jaxlib", "optax"} <= run.keys() - serving.keys()
    for target, builder in {"flows": "flows-builder", "serving": "builder"}.items():
        assert f"COPY --from={builder} /opt/venv /opt/venv" in text(stages()[target].instructions)
    assert "requirements-serving.lock" in text(stages()["builder"].instructions)
    assert "requirements-run.lock" in text(stages()["flows-builder"].instructions)
    assert stages()["flows-builder"].base == "builder"


def test_uv_comes_from_the_lock() -> None:
    """By the words of the Dockerfile itself."""
    found = re.search(r"sed -n '([^']+)'", DOCKERFILE.read_text(encoding="utf-8"))
    assert found
    command = ["sed", "-n", found[1], ROOT / "requirements.lock"]
    taken = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert taken.strip() == locked("requirements.lock")["uv"]
    assert "--hash=sha256:" in taken


@pytest.mark.slow
def test_the_image_has_every_library_that_wheels_expect() -> None:
    installed = {
        name.partition("=")[0] for name in re.findall(r"lib[a-z0-9-]+=", DOCKERFILE.read_text(encoding="utf-8"))
    }
    assert installed == {"libgomp1"}
    assert expected_of_the_system() <= WITH_THE_SLIM_IMAGE | {"libgomp"}


def expected_of_the_system() -> set[str]:
    """The system libraries that the installed packages link to."""
    binaries = [str(path) for path in Path(sys.prefix, "lib").rglob("*.so*") if path.is_file()]
    seen = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    return set(re.findall(r"=> /(?:usr/)?lib/\S*?/(lib[^/.]+)\.so", seen))


def text(instructions: list[Instruction]) -> str:
    """The instructions as one text."""
    return "\n".join(f"{instruction.name} {instruction.value}" for instruction in instructions)


def test_exec_forms_are_json() -> None:
    for target in TARGETS:
        for instruction in instructions_of(target):
            if instruction.name in {"CMD", "ENTRYPOINT"}:
                assert json.loads(instruction.value)
