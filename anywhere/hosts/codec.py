"""Observations to JSON and back, by their type hints."""

from __future__ import annotations

import base64
import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

from anywhere.errors import BadInput


def encode(value: object) -> object:
    """A JSON value for a dataclass, bytes, tuple or plain value. Fields at their default are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {
            field.name: encode(getattr(value, field.name))
            for field in fields
            if getattr(value, field.name) != field.default
        }
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value


def decode(kind: object, value: object) -> object:
    """The value of a type from its JSON form. Raises BadInput where the two do not fit."""
    try:
        return _decode(kind, value)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise BadInput(
            f"the bundle holds a value that is no {getattr(kind, '__name__', kind)}: save it anew"
        ) from error


def _decode(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is bytes:
        return base64.b64decode(value["base64"]) if isinstance(value, dict) else value.encode("utf-8")
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _decode(next(one for one in arguments if one is not type(None)), value)
    if origin in (tuple, frozenset):
        if not isinstance(value, list):
            raise TypeError(kind)
        return origin(_decode(arguments[0], item) for item in value)
    if origin is typing.Literal:
        if value not in arguments:
            raise TypeError(kind)
        return value
    if origin is not None:
        return {str(key): _decode(arguments[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        known = {field.name for field in dataclasses.fields(kind)}
        return kind(**{key: _decode(hints[key], item) for key, item in value.items() if key in known})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is not object and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise TypeError(kind)
    return value
