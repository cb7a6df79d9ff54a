"""What the operator has set for lists: the files of rules and of scenarios, read again when they change."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from nightschool.data.manifest.toml_files import read_text
from nightschool.errors import ConfigurationError
from nightschool.settings import HomePaths
from serving.answers import ListRequest
from serving.catalogue import Catalogue
from serving.listing import filter_misfit, filter_warnings
from serving.rules import Rules, parse_rules
from serving.scenarios import Scenarios, parse_scenarios
from serving.steering import ActiveInterventions, Steering

RULES_FILE: Final = "rules.toml"
SCENARIOS_FILE: Final = "scenarios.toml"


class PolicyFiles(NamedTuple):
    """What both files hold.

    Attributes:
        stamps: When they were last written; None for one that is not there.
        rules_of: Scenario to its rules, which hide what those of all lists hide; those of all lists at the empty name.
        tires: Whether any of them lets items sink that were shown in vain.
    """

    stamps: tuple[int | None, int | None]
    scenarios: Scenarios
    rules_of: Mapping[str, Rules]
    tires: bool


class Policy:
    """The rules of all lists, and the scenarios, with what the operator steers.

    Attributes:
        steering: The interventions in force.
    """

    def __init__(self, paths: HomePaths) -> None:
        """Read both files.

        Raises:
            ManifestError: A file does not hold what it should.
        """
        self._paths = paths
        self._lock = Lock()
        self._files = self._load()
        self.steering = Steering()
        self._rules_of = self._files.rules_of

    @property
    def rules(self) -> Rules:
        """Return the rules of all lists."""
        return self._rules_of[""]

    @property
    def scenarios(self) -> Scenarios:
        """Return the scenarios."""
        return self._files.scenarios

    @property
    def tires(self) -> bool:
        """Return whether any of the rules lets items sink that were shown in vain."""
        return self._files.tires

    def refresh(self, catalogue: Catalogue | None) -> bool:
        """Read the files again if one has changed; return whether they were read.

        Args:
            catalogue: The items of the release that is served, which filters must fit; None without a release.

        Raises:
            ManifestError: A file does not hold what it should; what was read before stays in force.
            ConfigurationError: A filter does not fit the release; where a file has changed, what was read before stays
                in force.
        """
        with self._lock:
            before = self._files
            files = before if self._stamps() == before.stamps else self._load()
            if catalogue is not None:
                self._require_fit(catalogue, files)
            if files is not before:
                self._files, self._rules_of = files, self._steered(files)
            return files is not before

    def steer(self, interventions: ActiveInterventions) -> bool:
        """Take what is in force now; return whether that has changed."""
        with self._lock:
            before, self.steering = self.steering, interventions.steering()
            if self.steering == before:
                return False
            self._rules_of = self._steered(self._files)
        return True

    def warnings(self, catalogue: Catalogue | None, *, is_stale: bool) -> list[str]:
        """Return what is wrong with the rules though lists are served; the log says why, and not everybody may know.

        Args:
            catalogue: The items of the release that is served; None without a release.
            is_stale: Whether a changed file was refused.
        """
        misfits = filter_warnings(catalogue, self.rules) if catalogue is not None else []
        return misfits or (["those before stay in force, as a file is faulty"] if is_stale else [])

    def _load(self) -> PolicyFiles:
        stamps = self._stamps()  # first: what is written meanwhile is read again
        return _parsed(stamps, {path.name: _text(path) for path in (self._paths.rules, self._paths.scenarios)})

    def tried(self, texts: Mapping[str, str], catalogue: Catalogue | None) -> PolicyFiles:
        """Return what lists would follow, with its interventions, if the files held other texts.

        Args:
            texts: File name to its text; a file that is not named stays as it is.
            catalogue: The items of the release that is served, which filters must fit; None without a release.

        Raises:
            ManifestError: A file would not hold what it should; the message tells the line.
            ConfigurationError: A filter does not fit the release.
        """
        there = {
            path.name: _text(path) for path in (self._paths.rules, self._paths.scenarios) if path.name not in texts
        }
        files = _parsed((None, None), {**there, **texts})
        if catalogue is not None:
            self._require_fit(catalogue, files)
        return files._replace(rules_of=self._steered(files))

    def _steered(self, files: PolicyFiles) -> Mapping[str, Rules]:
        return {name: self.steering.rules(rules, name) for name, rules in files.rules_of.items()}

    def _require_fit(self, catalogue: Catalogue, files: PolicyFiles) -> None:
        filters = {self._paths.rules.name: files.rules_of[""].filter}
        for name, scenario in files.scenarios.named.items():
            filters[f"{self._paths.scenarios.name}: {name}"] = scenario.rules.get("filter")
        for place, text in filters.items():
            if misfit := filter_misfit(catalogue, text):
                raise ConfigurationError(f"{place}: {misfit}")

    def settled(self, asked: ListRequest) -> ListRequest:
        """Return the request with the length of its scenario, where it does not say how many items.

        Raises:
            ConfigurationError: There is no such scenario.
        """
        scenario = self.scenarios.get(asked.scenario) if asked.scenario else None
        return asked._replace(k=scenario.k) if scenario and not asked.k else asked

    def rules_of(self, scenario: str) -> Rules:
        """Return the rules of a scenario; those of all lists without one.

        Raises:
            ConfigurationError: There is no such scenario.
        """
        rules = self._rules_of.get(scenario)
        if rules is None:
            raise self.scenarios.unknown(scenario)
        return rules

    def above(self, scenario: str) -> tuple[str, ...]:
        """Return the scenarios of the same page whose items it leaves out; none without a scenario."""
        return self.scenarios.get(scenario).below if scenario else ()

    def _stamps(self) -> tuple[int | None, int | None]:
        return _stamp(self._paths.rules), _stamp(self._paths.scenarios)


def _parsed(stamps: tuple[int | None, int | None], texts: Mapping[str, str]) -> PolicyFiles:
    """Parse the texts of both files, by their names."""
    rules = parse_rules(texts[RULES_FILE], RULES_FILE)
    scenarios = parse_scenarios(texts[SCENARIOS_FILE], SCENARIOS_FILE)
    rules_of = {name: rules.narrowed(scenario.rules) for name, scenario in scenarios.named.items()}
    tires = any(each.fatigue is not None for each in (rules, *rules_of.values()))
    return PolicyFiles(stamps, scenarios, {"": rules, **rules_of}, tires)


def _text(path: Path) -> str:
    """Return the text of a file; empty without it."""
    return read_text(path) if path.exists() else ""


def _stamp(path: Path) -> int | None:
    """Return when a file was last written; None without it."""
    return path.stat().st_mtime_ns if path.exists() else None
