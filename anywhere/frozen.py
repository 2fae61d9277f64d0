"""`@frozen`: a frozen dataclass with slots whose methods are written when they are first needed.

`dataclasses.dataclass` compiles eight methods for each class where it is defined, 0.7 ms; a check defines 190 classes, and
that was a third of its start. What a class looks like from outside is the same: fields, `replace`, `asdict`, matching,
equality by value, a hash, a repr without the fields that are to be left out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from reprlib import recursive_repr
from typing import NoReturn, TypeVar, dataclass_transform

Kind = TypeVar("Kind")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[Kind]) -> type[Kind]:
    """The class as an immutable record. Its fields are positional or by name; a default is a value or a factory."""
    for name, method in _METHODS.items():
        if name not in kind.__dict__:
            setattr(kind, name, method)
    if not kind.__doc__:
        kind.__doc__ = kind.__name__  # else the signature is worked out for it
    return dataclass(init=False, repr=False, eq=False, slots=True)(kind)


def _fields(kind: object) -> tuple[Field[object], ...]:
    return fields(kind)  # type: ignore[arg-type]  # every class here is a dataclass


def _first_init(self: object, *given: object, **named: object) -> None:
    _write(type(self), "__init__", _init_source)(self, *given, **named)


def _first_eq(self: object, other: object) -> object:
    return _write(type(self), "__eq__", _eq_source)(self, other)


def _first_hash(self: object) -> object:
    return _write(type(self), "__hash__", _hash_source)(self)


def _write(kind: type, name: str, source: Callable[[type, dict[str, object]], str]) -> Callable[..., object]:
    """Compile a method and put it in the place of the one that asked for it."""
    known: dict[str, object] = {"_set": object.__setattr__, "_unset": MISSING}
    made: dict[str, Callable[..., object]] = {}
    exec(source(kind, known), known, made)
    method = made[name]
    method.__qualname__ = f"{kind.__qualname__}.{name}"
    setattr(kind, name, method)
    return method


def _init_source(kind: type, known: dict[str, object]) -> str:
    given = [_parameter(one, known) for one in _fields(kind)]
    lines = [f"    _set(self, {one.name!r}, {_value(one)})" for one in _fields(kind)]
    if hasattr(kind, "__post_init__"):
        lines.append("    self.__post_init__()")
    return f"def __init__({', '.join(['self', *given])}):\n" + "\n".join(lines or ["    pass"])


def _parameter(one: Field[object], known: dict[str, object]) -> str:
    if one.default_factory is not MISSING:
        known[f"_make_{one.name}"] = one.default_factory
        return f"{one.name}=_unset"
    if one.default is not MISSING:
        known[f"_default_{one.name}"] = one.default
        return f"{one.name}=_default_{one.name}"
    return one.name


def _value(one: Field[object]) -> str:
    if one.default_factory is MISSING:
        return one.name
    return f"_make_{one.name}() if {one.name} is _unset else {one.name}"


def _eq_source(kind: type, known: dict[str, object]) -> str:
    ours, theirs = _values(kind, "self"), _values(kind, "other")
    return (
        "def __eq__(self, other):\n"
        f"    return {ours} == {theirs} if other.__class__ is self.__class__ else NotImplemented"
    )


def _hash_source(kind: type, known: dict[str, object]) -> str:
    return f"def __hash__(self):\n    return hash({_values(kind, 'self')})"


def _values(kind: type, owner: str) -> str:
    return "(" + "".join(f"{owner}.{one.name}," for one in _fields(kind) if one.compare) + ")"


@recursive_repr()
def _repr(self: object) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in _fields(self) if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _setattr(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: object) -> list[object]:
    return [getattr(self, one.name) for one in _fields(self)]


def _setstate(self: object, state: list[object]) -> None:
    for one, value in zip(_fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


_METHODS: dict[str, Callable[..., object]] = {
    "__init__": _first_init,
    "__eq__": _first_eq,
    "__hash__": _first_hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
