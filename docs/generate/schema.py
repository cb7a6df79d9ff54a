"""Tables of the fields of pydantic models: name, type, default, description."""

import enum
import inspect
import types
import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from docs.generate.writing import attributes_of, code, table

Names = tuple[str, ...]

COLUMNS: Final = ("key", "type", "default", "meaning")


def fields_table(
    model: type[BaseModel], meanings: Mapping[str, str] = MappingProxyType({}), without: Names = ()
) -> str:
    """Return the table of a model's fields.

    Args:
        model: The pydantic model.
        meanings: Name to meaning, for fields without a description of their own.
        without: Names of fields to leave out.

    Raises:
        ValueError: A field has no description.
    """
    attributes = {**attributes_of(model), **meanings}
    for name, field in model.model_fields.items():
        if name not in without and not field.description and name not in attributes:
            raise ValueError(f"{model.__name__}.{name} has no description; give its Field one")
    rows = [
        (
            code(field.alias or name),
            code(type_name(field.annotation)),
            default_of(field),
            " ".join(part for part in (field.description or attributes.get(name, ""), bounds(field)) if part),
        )
        for name, field in model.model_fields.items()
        if name not in without
    ]
    return table(COLUMNS, rows)


def default_of(field: FieldInfo) -> str:
    """Return a field's default as Markdown; `required` without one."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, BaseModel):
        return code(type(default).__name__)
    return "none" if default in (None, "", (), {}, []) else code(_written(default))


def bounds(field: FieldInfo) -> str:
    """Return the range of a field's values in words, or nothing."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {getattr(each, name)}"
        for each in field.metadata
        for name, sign in signs.items()
        if hasattr(each, name)
    ]
    return f"({', '.join(found)})" if found else ""


def type_name(annotation: Any) -> str:
    """Return a type as people write it, such as `list of text` or `one of "a", "b"`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_name(arguments[0])
    if origin is Literal:
        return " or ".join(_written(each) for each in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_name(each) for each in arguments if each is not type(None)))
    if origin in (tuple, list):
        of = [each for each in arguments if each is not Ellipsis]
        return "list of " + " or ".join(dict.fromkeys(type_name(each) for each in of))
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f"table of {type_name(arguments[1])}"
    return _plain(annotation)


def _plain(annotation: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}
    if annotation in names:
        return names[annotation]
    if isinstance(annotation, typing.TypeVar):
        return str(annotation)
    name = getattr(annotation, "__name__", str(annotation))
    return {"Path": "path", "SecretStr": "text", "datetime": "instant", "date": "date"}.get(name, name)


def _written(value: object) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_written(each) for each in value) + "]"
    return str(value)
