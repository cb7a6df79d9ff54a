"""Models on disk: arrays in .npz files and JSON, so that a file from an unknown source is safe to load."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.errors import ConfigurationError, NotFound

FORMAT = 1
_CARD = "model.json"
_CSR_PARTS = ("data", "indices", "indptr", "shape")

Arrays = Mapping[str, NDArray[Any] | csr_array]


def write_card(directory: Path, name: str, config: Mapping[str, Any]) -> None:
    """Write which model the directory holds, its configuration, and the format version."""
    card = {"format": FORMAT, "model": name, "config": config}
    (directory / _CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")


def read_card(directory: Path, name: str) -> Mapping[str, Any]:
    """Read the configuration of the model that the directory holds.

    Raises:
        NotFound: The directory holds no model.
        ConfigurationError: It holds another model, or one of another format version.
    """
    try:
        card = json.loads((directory / _CARD).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound("no model in this folder", seen=str(directory), do="give the folder of a saved model") from error
    except json.JSONDecodeError as error:
        raise _damaged(directory / _CARD) from error
    if card.get("format") != FORMAT or card.get("model") != name:
        raise ConfigurationError(
            f"this folder does not hold a {name!r} model of format {FORMAT}",
            seen=f"{card.get('model')} of format {card.get('format')}",
            do="fit and save it again with this version",
        )
    config: Mapping[str, Any] = card["config"]
    return config


def write_arrays(file: Path, arrays: Arrays) -> None:
    """Write dense arrays as they are and CSR matrices as their parts."""
    flat: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        if isinstance(array, csr_array):
            flat |= {f"{name}.{part}": np.asarray(getattr(array, part)) for part in _CSR_PARTS}
        else:
            flat[name] = array
    # A handle keeps numpy from adding a suffix of its own.
    with file.open("wb") as handle:
        np.savez(handle, allow_pickle=False, **flat)


def read_arrays(file: Path) -> Arrays:
    """Read the arrays that `write_arrays` wrote.

    Raises:
        ConfigurationError: The file is damaged, or would need a pickle to be read.
    """
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            flat = {name: stored[name] for name in stored.files}
    except (FileNotFoundError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(file) from error
    matrices = {name.removesuffix(".indptr") for name in flat if name.endswith(".indptr")}
    dense = {name: array for name, array in flat.items() if name.rpartition(".")[0] not in matrices}
    return dense | {name: _csr(flat, name) for name in matrices}


def _csr(flat: Mapping[str, NDArray[Any]], name: str) -> csr_array:
    data, indices, indptr, shape = (flat[f"{name}.{part}"] for part in _CSR_PARTS)
    return csr_array((data, indices, indptr), shape=tuple(shape.tolist()))


def _damaged(file: Path) -> ConfigurationError:
    return ConfigurationError("a model file is damaged", seen=str(file), do="fit and save the model again")
