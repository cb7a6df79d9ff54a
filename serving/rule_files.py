"""The files of rules and scenarios, edited on the page: checked, versioned, and never written over another's change."""

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Final

from nightschool.errors import ConfigurationError, NotFound
from nightschool.settings import HomePaths
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.rule_versions import RuleVersion, RuleVersions
from serving.catalogue import Catalogue
from serving.policy import RULES_FILE, SCENARIOS_FILE, Policy

FILES: Final = (RULES_FILE, SCENARIOS_FILE)
LONGEST_TEXT: Final = 100_000
_CONTEXT_LINES: Final = 3


class RuleFiles:
    """Both files of a home with their versions."""

    def __init__(self, versions: RuleVersions, policy: Policy, paths: HomePaths) -> None:
        self.versions = versions
        self._policy = policy
        self._paths: Mapping[str, Path] = {path.name: path for path in (paths.rules, paths.scenarios)}
        self._seen: dict[str, int | None] = {}

    def current(self, file: str) -> RuleVersion | None:
        """Return the version that a file holds now, which is kept if it is new; None where there was never a file.

        Raises:
            NotFound: It is neither of the two files.
            Unreachable: The database does not answer.
        """
        return self.versions.notice(file, _text(self._path(file)))

    def notice(self) -> None:
        """Keep what was written into the files by hand.

        Raises:
            Unreachable: The database does not answer.
        """
        for file, path in self._paths.items():
            stamp = path.stat().st_mtime_ns if path.exists() else None
            if self._seen.get(file, 0) != stamp:
                self.current(file)
                self._seen[file] = stamp

    def save(self, file: str, text: str, base: int, by: tuple[str, str], catalogue: Catalogue | None) -> RuleVersion:
        """Check a text and write it into a file.

        Args:
            file: The file's name.
            text: Its new text.
            base: The version that the text was made from; 0 where there was none.
            by: The name of the key, and why.
            catalogue: The items of the release that is served, which filters must fit; None without a release.

        Raises:
            ConfigurationError: The text is not what the file should hold, has no reason, or cannot be written.
            Conflict: The file was changed meanwhile.
            Unreachable: The database does not answer.
        """
        if not by[1].strip():
            raise ConfigurationError("a change of rules needs a reason", do="say why")
        path, text = self._path(file), normalised(text)
        self._policy.tried({file: text}, catalogue)
        self.current(file)

        def write() -> None:
            try:
                atomic_write_text(path, text)
            except OSError as error:
                do = "let the server write the home, or edit the file by hand"
                raise ConfigurationError(f"{file} cannot be written", seen=error.strerror, do=do) from error

        return self.versions.save((file, text), base, by, write)

    def _path(self, file: str) -> Path:
        path = self._paths.get(file)
        if path is None:
            raise NotFound("no such file", seen=file[:100], do=f"choose {' or '.join(FILES)}")
        return path


def normalised(text: str) -> str:
    """Return a text as files have it: browsers send other ends of lines."""
    lines = text.replace("\r\n", "\n").rstrip()
    return f"{lines}\n" if lines else ""


def difference(before: str, after: str) -> Sequence[str]:
    """Return the lines of the difference of two texts, each with `+`, `-`, `@` or a space in front."""
    lines = unified_diff(before.splitlines(), after.splitlines(), n=_CONTEXT_LINES, lineterm="")
    return [*lines][2:]


def _text(path: Path) -> str:
    """Return the text of a file as well as it can be read; empty without it."""
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
