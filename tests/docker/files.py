"""docker/ as it is written: the images that the Dockerfile makes, and the services that run them."""

import json
import shlex
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yaml"


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile: its name, and what it is told."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """The words of an exec form, or else of a line."""
        return json.loads(self.value) if self.value.startswith("[") else shlex.split(self.value)


@dataclass
class Stage:
    """One stage of a Dockerfile.

    Attributes:
        base: The image or the earlier stage that it begins with.
        instructions: Those after its FROM, in order.
    """

    base: str
    instructions: list[Instruction] = field(default_factory=list)


def stages() -> dict[str, Stage]:
    """The stages by name, in order; each of them has one."""
    found: dict[str, Stage] = {}
    for entry in DockerfileParser(str(DOCKERFILE)).structure:
        name, value = entry["instruction"], entry["value"]
        if name == "FROM":
            base, as_, stage = value.split()
            assert as_.upper() == "AS"
            found[stage] = Stage(base)
        elif name != "COMMENT":
            found[list(found)[-1]].instructions.append(Instruction(name, value))
    return found


def instructions_of(target: str) -> list[Instruction]:
    """What makes an image, from its first stage on."""
    known, chain = stages(), []
    while target in known:
        chain.insert(0, known[target])
        target = known[target].base
    return [instruction for stage in chain for instruction in stage.instructions]


@dataclass(frozen=True)
class Image:
    """What a container of one target runs unless it is told otherwise."""

    environment: dict[str, str]
    entrypoint: list[str]
    command: list[str]
    healthcheck: list[str]


def image(target: str) -> Image:
    """One target of the Dockerfile."""
    environment: dict[str, str] = {}
    last: dict[str, Instruction] = {}
    for instruction in instructions_of(target):
        last[instruction.name] = instruction
        if instruction.name == "ENV":
            environment |= dict(word.split("=", 1) for word in instruction.words)
    health = last["HEALTHCHECK"].value
    options = [*takewhile(lambda word: word != "CMD", health.split())]
    assert all(option.startswith("--") for option in options)
    return Image(
        environment,
        last["ENTRYPOINT"].words,
        last["CMD"].words,
        Instruction("CMD", health.partition("CMD")[2].strip()).words,
    )


def compose() -> dict[str, Any]:
    """compose.yaml as a document."""
    document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


@dataclass(frozen=True)
class Service:
    """One service as its containers run: what compose.yaml says over what the image says.

    Attributes:
        command: Entrypoint and command.
        health: What asks whether it is well; empty where nobody asks.
        needs: What must be so before it starts, by the name of another service.
        mounts: The volume or the file of the host at each path.
        scratch: Folders that begin empty.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    health: list[str]
    needs: dict[str, str]
    mounts: dict[str, str]
    scratch: list[str]


def service(name: str) -> Service:
    """One service of compose.yaml."""
    told = compose()["services"][name]
    built = image(told["build"]["target"]) if "build" in told else Image({}, [], [], [])
    health = told.get("healthcheck", {"test": ["CMD", *built.healthcheck]})
    return Service(
        name,
        [*built.entrypoint, *told.get("command", built.command)],
        built.environment | told.get("environment", {}),
        [] if health.get("disable") else health["test"][1:],
        {other: entry["condition"] for other, entry in told.get("depends_on", {}).items()},
        dict(reversed(volume.removesuffix(":ro").rsplit(":", 1)) for volume in told.get("volumes", [])),
        [entry.partition(":")[0] for entry in told.get("tmpfs", [])],
    )
