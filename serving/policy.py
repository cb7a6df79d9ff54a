"""What the operator has set for lists: the files of rules and of scenarios, read again when they change."""

from pathlib import Path

from nightschool.errors import ConfigurationError
from nightschool.settings import HomePaths
from serving.answers import ListRequest
from serving.catalogue import Catalogue
from serving.listing import filter_misfit
from serving.rules import Rules, load_rules
from serving.scenarios import load_scenarios


class Policy:
    """The rules of all lists, and the scenarios.

    Attributes:
        rules: From `rules.toml`.
        scenarios: From `scenarios.toml`.
    """

    def __init__(self, paths: HomePaths) -> None:
        """Read both files.

        Raises:
            ManifestError: A file does not hold what it should.
        """
        self._paths = paths
        self._read_at = self._stamps()
        self.rules, self.scenarios = load_rules(paths.rules), load_scenarios(paths.scenarios)

    def refresh(self, catalogue: Catalogue | None) -> bool:
        """Read the files again if one has changed; return whether they were read.

        Args:
            catalogue: The items of the release that is served, which filters must fit; None without a release.

        Raises:
            ManifestError: A file does not hold what it should; what was read before stays in force.
            ConfigurationError: A filter does not fit the release; where a file has changed, what was read before stays
                in force.
        """
        stamps = self._stamps()
        changed = stamps != self._read_at
        rules, scenarios = self.rules, self.scenarios
        if changed:
            rules, scenarios = load_rules(self._paths.rules), load_scenarios(self._paths.scenarios)
        if catalogue is not None:
            self._require_fit(catalogue, rules, scenarios)
        self.rules, self.scenarios, self._read_at = rules, scenarios, stamps
        return changed

    def _require_fit(self, catalogue: Catalogue, rules: Rules, scenarios: Scenarios) -> None:
        filters = {self._paths.rules.name: rules.filter}
        for name, scenario in scenarios.named.items():
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
        """Return the rules of a scenario; those of all lists without one."""
        return self.rules.narrowed(self.scenarios.get(scenario).rules) if scenario else self.rules

    def above(self, scenario: str) -> tuple[str, ...]:
        """Return the scenarios of the same page whose items it leaves out; none without a scenario."""
        return self.scenarios.get(scenario).below if scenario else ()

    def _stamps(self) -> tuple[int | None, int | None]:
        return _stamp(self._paths.rules), _stamp(self._paths.scenarios)


def _stamp(path: Path) -> int | None:
    """Return when a file was last written; None without it."""
    return path.stat().st_mtime_ns if path.exists() else None
