"""A value held against its shape: every difference, with its place."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from anywhere.documents.pointer import token, tokens
from anywhere.frozen import frozen
from anywhere.taskdef.shapes.table import Shape, Table
from anywhere.taskdef.source.node import Unknown

UNKNOWN, MISSING, TYPE, NULL, ENUM, RANGE, PATTERN, LOOSE = (
    "unknown",
    "missing",
    "type",
    "null",
    "enum",
    "range",
    "pattern",
    "loose",
)
"""Kinds of faults; `loose` is what SDKs send and ECS's protocol has no room for: a flag or more than 32 bits as a number."""
REPLACED = frozenset({TYPE, LOOSE})
"""Kinds after which the value is of no use to a rule."""

_WHOLE = re.compile(r"[-+]?\d{1,18}\Z")
_REAL = re.compile(r"[-+]?\d{1,18}(?:\.\d+)?\Z")
# Of shells, GitHub Actions, Jinja and Helm; of AWS's pages; of Windows; of sed; of Azure DevOps; of Maven and autoconf.
_PLACEHOLDER = re.compile(
    r"\$\{|\{\{|<[^<>]+>|%[A-Za-z_]+%|__[A-Za-z]\w*__|\$[A-Z_]+|[#%]\{|\$\(|@[A-Za-z_]\w*@|\{[A-Za-z_]\w*\}"
)
_INT32 = 2**31


@frozen
class Fault:
    """One difference. `pointer` is that of the value (of the object, where a field is missing), `fix` an operation
    that repairs it: `("remove",)` or `("replace", value)`."""

    pointer: str
    kind: str
    text: str
    advice: str
    fix: tuple[object, ...] = ()


Branches = Callable[[object], Sequence[tuple[str, object]] | None]


def _none(raw: object) -> Sequence[tuple[str, object]] | None:
    return None


@frozen
class Reading:
    """How strictly to read. `coerce`: text is taken for a number or flag and the other way round, as CloudFormation and
    Terraform do; `strict`: unknown, missing and null fields are faults (not so in what a service answers); `branches`
    gives the values that may stand in the place of a call, each with its pointer, and None for what is no call; `sure`
    says whether an element of a list will be there."""

    table: Table
    coerce: bool = False
    strict: bool = True
    branches: Branches = _none
    sure: Callable[[object], bool] = lambda raw: True


def faults(raw: object, shape: Shape, reading: Reading) -> Iterator[Fault]:
    """Every difference between a value and its shape."""
    return _check(raw, shape, "", reading)


def is_placeholder(text: str) -> bool:
    """Whether a text holds what somebody will replace: `<NAME>`, `${NAME}`, `{{name}}`."""
    return _PLACEHOLDER.search(text) is not None


def _check(raw: Any, shape: Shape, pointer: str, reading: Reading) -> Iterator[Fault]:
    if isinstance(raw, Unknown):
        return
    if isinstance(raw, dict) and (branches := reading.branches(raw)) is not None:
        for place, value in branches:
            yield from _check(value, shape, pointer + place, reading)
        return
    if raw is None and shape.kind != "document":
        if reading.strict:
            yield Fault(pointer, NULL, f"is null, and must be {_article(shape)}", "leave it out", ("remove",))
        return
    if shape.kind == "structure" and isinstance(raw, dict):
        yield from _structure(raw, shape, pointer, reading)
    elif shape.kind == "list" and isinstance(raw, list):
        yield from _range(_length(raw, shape, reading), shape, pointer, "entries")
        below = reading.table.shapes[shape.item]
        for at, item in enumerate(raw):
            yield from _check(item, below, f"{pointer}/{at}", reading)
    elif shape.kind == "map" and isinstance(raw, dict):
        below = reading.table.shapes[shape.item]
        for key, item in raw.items():
            yield from _check(item, below, pointer + token(key), reading)
    elif shape.kind != "document":
        yield from _scalar(raw, shape, pointer, reading)


def _length(raw: Sequence[Any], shape: Shape, reading: Reading) -> int:
    """How many entries to judge: for a maximum those that are there in any case, else all that may be."""
    if shape.most is None or len(raw) <= shape.most:
        return len(raw)
    return max(sum(map(reading.sure, raw)), int(shape.least or 0))


def sound(raw: Any, found: Sequence[Fault], mark: object) -> Any:
    """The value with `mark` in the place of everything that no rule can read; the rest is the same object."""
    result = raw
    for fault in found:
        is_empty = fault.kind == NULL and fault.pointer.rpartition("/")[2].isdecimal()
        if fault.kind in REPLACED or is_empty:
            result = _replaced(result, tokens(fault.pointer), mark)
    return result


def _replaced(raw: Any, path: Sequence[str], mark: object) -> Any:
    if not path:
        return mark
    if isinstance(raw, list):
        at = int(path[0])
        return [*raw[:at], _replaced(raw[at], path[1:], mark), *raw[at + 1 :]]
    if isinstance(raw, dict):
        return {**raw, path[0]: _replaced(raw.get(path[0]), path[1:], mark)}
    return raw


def _structure(raw: Mapping[str, Any], shape: Shape, pointer: str, reading: Reading) -> Iterator[Fault]:
    if reading.strict:
        if shape.one and len(raw) != 1:
            yield Fault(pointer, TYPE, f"takes exactly one of {', '.join(shape.fields)}", "give one")
        for name in shape.required:
            if name not in raw:
                yield Fault(pointer, MISSING, f"{name} is missing", f"add {name}")
    for key, value in raw.items():
        below = shape.fields.get(key)
        if below is not None:
            yield from _check(value, reading.table.shapes[below], pointer + token(key), reading)
        elif reading.strict:
            yield _unknown(key, shape, pointer)


def _unknown(key: str, shape: Shape, pointer: str) -> Fault:
    near = _near(key, shape.fields)
    hint = f": did you mean {near}?" if near else ""
    advice = f"write {near}" if near else "take it out"
    return Fault(pointer + token(key), UNKNOWN, f"{show(key)} is not a field of {shape.title}{hint}", advice)


def _near(key: str, names: Mapping[str, str]) -> str:
    folded = {name.lower(): name for name in names}
    plain = key.lower().replace("_", "").replace("-", "")
    if plain in folded:
        return folded[plain]
    close = difflib.get_close_matches(plain, folded, 1, 0.75)
    return folded[close[0]] if close else ""


def _scalar(raw: Any, shape: Shape, pointer: str, reading: Reading) -> Iterator[Fault]:
    value = _as(raw, shape.kind, reading.coerce)
    if value is None:
        text = f"must be {_article(shape)}, not {_kind(raw)}"
        fix = () if "/environment" in pointer.lower() else _retyped(raw, shape.kind)
        yield Fault(pointer, TYPE, text, f"write {_article(shape)}", fix)
    elif shape.kind in ("integer", "long") and (isinstance(raw, bool) or not -_INT32 <= value < _INT32):
        what = "true or false" if isinstance(raw, bool) else "beyond 32 bits"
        yield Fault(pointer, LOOSE, f"must be a 32-bit integer, not {what}", "write a number")
    elif isinstance(value, str):
        yield from _text(value, shape, pointer)
    elif not isinstance(value, bool):
        yield from _range(value, shape, pointer, "")
        if shape.enum and value not in shape.enum:
            yield _outside(value, shape, pointer)


def _text(value: str, shape: Shape, pointer: str) -> Iterator[Fault]:
    if shape.enum and value not in shape.enum and not is_placeholder(value):
        yield _outside(value, shape, pointer)
    yield from _range(len(value), shape, pointer, "characters")
    if shape.pattern and not shape.pattern.fullmatch(value) and not is_placeholder(value):
        yield Fault(pointer, PATTERN, f"{show(value)} has characters that are not allowed here", "use others")


def _outside(value: object, shape: Shape, pointer: str) -> Fault:
    allowed = ", ".join(map(str, shape.enum))
    folded = {str(name).lower().replace("_", "").replace("-", ""): name for name in shape.enum}
    near = folded.get(str(value).lower().replace("_", "").replace("-", ""))
    fix = ("replace", near) if near is not None else ()
    return Fault(pointer, ENUM, f"{show(value)} is not one of {allowed}", f"use one of {allowed}", fix)


def _range(value: float, shape: Shape, pointer: str, unit: str) -> Iterator[Fault]:
    if (shape.least is None or value >= shape.least) and (shape.most is None or value <= shape.most):
        return
    bounds = f"at least {shape.least}" if shape.most is None else f"{shape.least or 0} to {shape.most}"
    counted = f" {unit}" if unit else ""
    yield Fault(pointer, RANGE, f"has {value}{counted}, allowed: {bounds}" if unit else f"is {value}, allowed: {bounds}",
                f"keep to {bounds}{counted}")  # fmt: skip


def _as(raw: Any, kind: str, coerce: bool) -> Any:
    """The value as this scalar; None for what is none."""
    if kind == "string":
        return raw if isinstance(raw, str) else _plain(raw) if coerce and not isinstance(raw, (dict, list)) else None
    if kind in ("structure", "list", "map"):
        return None
    if kind == "boolean":
        if coerce and isinstance(raw, str) and raw.lower() in ("true", "false"):
            return raw.lower() == "true"
        return raw if isinstance(raw, bool) else None
    whole = kind in ("integer", "long")
    if isinstance(raw, int) or (isinstance(raw, float) and not whole):
        return raw
    if coerce and isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if coerce and isinstance(raw, str) and (_WHOLE if whole else _REAL).match(raw.strip()):
        return float(raw) if not whole else int(raw)
    return None


def _plain(raw: object) -> str:
    return str(raw).lower() if isinstance(raw, bool) else str(raw)


def _retyped(raw: object, kind: str) -> tuple[object, ...]:
    """The operation that writes the same value as the type that is expected, where there is one."""
    if kind == "string" and isinstance(raw, (int, float)):
        return ("replace", _plain(raw))
    value = _as(raw, kind, True) if isinstance(raw, (str, float)) else None
    return ("replace", value) if value is not None else ()


def _article(shape: Shape) -> str:
    return {
        "structure": "an object",
        "map": "an object",
        "list": "a list",
        "string": "text",
        "boolean": "true or false",
        "double": "a number",
        "float": "a number",
    }.get(shape.kind, "an integer")


def _kind(raw: object) -> str:
    if isinstance(raw, (dict, list)):
        return "an object" if isinstance(raw, dict) else "a list"
    if isinstance(raw, bool):
        return "true or false"
    return "a number" if isinstance(raw, (int, float)) else "null" if raw is None else "text"


def show(value: object) -> str:
    """A value for a sentence: in quotes, in one line, shortened."""
    text = json.dumps(value if isinstance(value, str) else str(value), ensure_ascii=False)
    return text if len(text) <= 62 else text[:58] + '..."'
