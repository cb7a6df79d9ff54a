"""The reference of the command line, from the Typer application."""

from collections.abc import Iterator

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from docs.generate.schema import type_name
from docs.generate.writing import code, table
from nightschool.cli.app import app

_HEAD = """# Command line

`nightschool` is one program with a command for each task. `--help` after any command shows the same.

- `--home DIR`, before or after any command, names the home; else `NIGHTSCHOOL_HOME` does, else it is `./.nightschool`.
- `--json` prints one JSON document on standard output and nothing else there; log lines go to standard error.
- A failure that was expected is one line on standard error, and the [exit code](exit-codes.md) says of which kind.
"""


def page() -> str:
    """Return the page: every command with its arguments and options."""
    parts = [_HEAD]
    for path, command in commands():
        parts += [f"## nightschool {path}", command.help or "", f"```text\n{usage(path, command)}\n```"]
        if rows := [_row(parameter) for parameter in documented(command)]:
            parts.append(table(("parameter", "takes", "default", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Yield each command that does something, and its name with that of its group in front."""
    yield from _below("", typer.main.get_command(app))


def _below(prefix: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from _below(f"{prefix} {name}".strip(), each)
    elif isinstance(command, TyperCommand) and not command.hidden:
        yield prefix, command


def documented(command: TyperCommand) -> list[TyperArgument | TyperOption]:
    """Return a command's arguments and options that people may use, but `--home`, which every command takes."""
    return [
        each
        for each in command.params
        if isinstance(each, TyperArgument | TyperOption) and not each.hidden and each.name != "home"
    ]


def usage(path: str, command: TyperCommand) -> str:
    """Return the usage line: required parameters, then `[OPTIONS]`."""
    words = [f"nightschool {path}"]
    for parameter in documented(command):
        if isinstance(parameter, TyperArgument):
            words.append(_name(parameter) if parameter.required else f"[{_name(parameter)}]")
        elif parameter.required:
            words.append(f"{parameter.opts[0]} {(parameter.name or '').upper()}")
    return " ".join([*words, "[OPTIONS]"])


def _row(parameter: TyperArgument | TyperOption) -> tuple[str, str, str, str]:
    if isinstance(parameter, TyperArgument):
        names = code(_name(parameter))
    else:
        names = ", ".join(code(name) for name in [*parameter.opts, *parameter.secondary_opts])
    return names, _takes(parameter), _default(parameter), parameter.help or ""


def _name(parameter: TyperArgument) -> str:
    return parameter.metavar or (parameter.name or "").upper()


def _takes(parameter: TyperArgument | TyperOption) -> str:
    flag = isinstance(parameter, TyperOption) and parameter.is_flag
    return "" if flag else type_name(parameter.type_descriptor.annotation)


def _default(parameter: TyperArgument | TyperOption) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter, TyperOption) and parameter.is_flag and not parameter.secondary_opts:
        return ""
    value = parameter.default
    return "" if value in (None, [], ()) or callable(value) else code(value)
