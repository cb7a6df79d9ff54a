"""The references of what a person sets: settings, a night's configuration, lists' rules, experiments."""

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from docs.generate.schema import default_of, fields_table, type_name
from docs.generate.writing import code, table
from nightschool.experiments.plan import Arm, Plan
from nightschool.night.config import NightConfig
from nightschool.settings import HomePaths, Settings
from serving.rules import Rules
from serving.scenarios import Scenario

_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+)$", re.MULTILINE)


def settings_page() -> str:
    """Return the page of the settings and of a home's files."""
    rows = [
        (
            code(f"NIGHTSCHOOL_{name.upper()}"),
            code(type_name(field.annotation)),
            default_of(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    held = dict(_ATTRIBUTE.findall(inspect.cleandoc(HomePaths.__doc__ or "")))
    places = [(code(_below(path)), held[name]) for name, path in home_places().items()]
    return "\n".join(
        (
            "# Settings\n\nSettings are environment variables and say *where* things are. What a night does is its "
            "[configuration](night-configuration.md).\n",
            table(("variable", "type", "default", "meaning"), rows),
            "Others that are read: `NIGHTSCHOOL_TEST_DATA` (tests and benchmarks look for real data sets there), "
            "`PREFECT_API_URL` of Prefect (a server of your own), and `XDG_CACHE_HOME` (default `~/.cache`: empty "
            "databases of Prefect and MLflow below `nightschool/`, which new homes begin with; they may be removed). "
            'Variables that a manifest names as `uri = "$NAME"` hold the addresses of databases.\n',
            "## What a home holds\n",
            table(("below the home", "holds"), places),
        )
    )


def home_places() -> dict[str, Path]:
    """Return every path of a home by its name, relative to it."""
    root = Path("home")
    below = {name: path for name, path in vars(HomePaths(root)).items() if isinstance(path, Path) and path != root}
    return {name: path.relative_to(root) for name, path in below.items()}


def _below(path: Path) -> str:
    return path.as_posix() if path.suffix or path.name in {"lock", "version"} else f"{path.as_posix()}/"


def night_page() -> str:
    """Return the page of a night's configuration."""
    return _page(
        "# Night configuration\n\nWhat a night does: a TOML file behind `--config`, single values over it with `--set "
        "key=value`, and the form of the deployment `retrain` in Prefect's UI. All three take the same keys.\n\n"
        "```bash\nnightschool retrain --config night.toml --set k=20 --set tune=now --set dlae.l2=200\n```\n\n"
        "A dotted key whose first part is a model sets a hyper-parameter of it, which is then fixed and not searched: "
        "`--set dlae.l2=200` is `params = { dlae = { l2 = 200 } }` in the file. Each model's hyper-parameters stand on "
        "[its card](../models/index.md).\n",
        [("", NightConfig)],
    )


def rules_page() -> str:
    """Return the page of `rules.toml` and of an experiment's file."""
    return _page(
        "# Rules of the lists, experiments\n\nThe file `rules.toml` in the home holds the rules of every list. "
        "Parameters of a request (`diversity`, `alpha`, `exclude`, …) stand over it, and the rules of an "
        "[experiment](../how-to/experiment.md)'s arm over both. The file `scenarios.toml` holds the placements of a "
        "product; what the rules of all lists hide, no scenario shows.\n",
        [
            ("rules.toml", Rules),
            ("scenarios.toml, each table", Scenario),
            ("An experiment's file", Plan),
            ("Each of its `[[arms]]`", Arm),
        ],
    )


def _page(head: str, models: Sequence[tuple[str, type[BaseModel]]]) -> str:
    parts = [head]
    for title, model in models:
        parts += [f"## {title}\n"] if title else []
        parts.append(fields_table(model, meanings={"name": "A name of its own: letters, digits, `.`, `_` and `-`."}))
    return "\n".join(parts)
