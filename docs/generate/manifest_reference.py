"""The reference of a manifest's keys, from the pydantic models that read it."""

from typing import Final, get_args

from pydantic import BaseModel

from docs.generate.descriptions import read, require_same
from docs.generate.schema import fields_table
from docs.generate.writing import docstring, table
from nightschool.data.manifest.event_weights import EVENT_WEIGHTS
from nightschool.data.manifest.manifest import (
    Catalogue,
    Items,
    Manifest,
    Relevant,
    Users,
    catalogues,
    shipped,
)
from nightschool.data.manifest.sections import (
    Constant,
    IdMap,
    Interactions,
    ListColumn,
    Origins,
    Rating,
    TextEncoder,
    Time,
)
from nightschool.data.readers.formats import FORMATS

SECTIONS: Final[dict[str, type[BaseModel]]] = {
    "The whole file": Manifest,
    "[interactions], [[interactions]], [test]": Interactions,
    "[items]": Items,
    "[users]": Users,
    "prerequisites, skills": ListColumn,
    "text_encoder": TextEncoder,
    "rating": Rating,
    "timestamp, available, until": Time,
    "timestamp.origin": Origins,
    "event, as one value for all rows": Constant,
    "user_map, item_map, origin.map": IdMap,
    "relevant": Relevant,
    "A catalogue's file": Catalogue,
}

_HEAD: Final = """# Manifest

A manifest is one TOML file that says everything particular to a dataset; the code holds no dataset's names.
`nightschool init FOLDER` writes a first one, `nightschool check MANIFEST --source-root FOLDER` says what it would
accept. Keys that no section has are refused.
"""


def page() -> str:
    """Return the page: sections, formats, event weights, shipped manifests."""
    parts = [_HEAD]
    for title, model in SECTIONS.items():
        parts += [f"## {title}\n", _table(model)]
    parts.append('## format\n\nHow files are written, `format = { kind = "…", … }`.\n')
    for model in FORMATS:
        parts += [f"### {kind_of(model)}\n", docstring(model) + "\n", _table(model)]
    weights = [(f"`{event}`", f"{weight:g}") for event, weight in EVENT_WEIGHTS.items()]
    parts += [
        "## Event weights\n\nThe defaults, which `[event_weights]` adds to or replaces.\n",
        table(("event", "weight"), weights),
    ]
    parts.append(f"## Shipped\n\nManifests: {_listed(shipped())}. Catalogues: {_listed(catalogues())}.\n")
    return "\n".join(parts)


def kind_of(model: type[BaseModel]) -> str:
    """Return the word that names a format in a manifest."""
    return str(get_args(model.model_fields["kind"].annotation)[0])


def _table(model: type[BaseModel]) -> str:
    described = read("manifest").get(model.__name__, {})
    silent = [name for name, field in model.model_fields.items() if not field.description and name != "kind"]
    require_same(model.__name__, described, silent)
    return fields_table(model, meanings=described, without=("kind",))


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
