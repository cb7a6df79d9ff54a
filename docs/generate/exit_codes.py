"""The reference of exit codes, from the tree of errors."""

from collections.abc import Iterator

from docs.generate.writing import code, first_line, table
from nightschool import errors
from nightschool.errors import NightschoolError
from nightschool.failures import INTERRUPTED

_HEAD = """# Exit codes

Every command ends with one of these codes, for scripts and schedulers. A failure that was expected prints one line:
what is wrong, the value seen, what to do; never a traceback.
"""


def page() -> str:
    """Return the page: codes with their meaning and the errors that end with them."""
    found: dict[int, list[type[NightschoolError]]] = {}
    for error in error_types():
        found.setdefault(error.exit_code, []).append(error)
    rows = [("0", "Done. Also a night that published the champion again, or found nothing new.", "")]
    for exit_code, kinds in sorted(found.items()):
        names = ", ".join(code(kind.__name__) for kind in kinds)
        rows.append((str(exit_code), _meaning(kinds[0]), names))
    rows.append((str(INTERRUPTED), "Interrupted by Ctrl-C or a signal; the same command goes on where it stopped.", ""))
    kinds_of = table(
        ("error", "exit code", "meaning"),
        [(code(each.__name__), each.exit_code, first_line(each)) for each in error_types()],
    )
    return f"{_HEAD}\n{table(('code', 'meaning', 'errors'), rows)}\n## Errors\n\n{kinds_of}"


def error_types() -> Iterator[type[NightschoolError]]:
    """Yield every error of `nightschool.errors`."""
    for each in vars(errors).values():
        if isinstance(each, type) and issubclass(each, NightschoolError):
            yield each


def _meaning(kind: type[NightschoolError]) -> str:
    return (
        "A defect of Nightschool; the traceback says where. Please report it."
        if kind is NightschoolError
        else first_line(kind)
    )
