"""Documents made from the table of shapes: legal ones, and ones with something odd in them."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from anywhere.taskdef.shapes.table import API, Shape, table

KNOWN_WORDS = """bridge host awsvpc none default EXTERNAL FARGATE EC2 awslogs json-file tcp udp TCP 80 22 51678 0 -1 64 1.5
1GB GPU ALL WINDOWS_SERVER_2022_CORE LINUX ARM64 8000-8010 9-1 DAEMON true false net.core.somaxconn 127.0.0.1 app
169.254.170.2 HTTPS_PROXY NO_PROXY AWS_ACCESS_KEY_ID ENABLED 1.3.0 LATEST"""
WORDS = st.sampled_from(KNOWN_WORDS.split())
# Values of every type that JSON has; numbers stay within what a program other than Python reads.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
FIELDS = 5  # of an object at once, so that documents stay small


def document(kind: str, odd: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Documents of a kind. With `odd` one value in eight is taken from there, and fields are misspelled or missing."""
    root = table(API).root(kind)
    assert root is not None
    return _of(root.name, odd)


@cache
def _of(name: str, odd: st.SearchStrategy[Any] | None) -> st.SearchStrategy[Any]:
    shape = table(API).shapes[name]
    plain = _plain(shape, odd)
    return plain if odd is None else st.integers(0, 7).flatmap(lambda number: odd if number == 0 else plain)


def _plain(shape: Shape, odd: st.SearchStrategy[Any] | None) -> st.SearchStrategy[Any]:
    if shape.kind == "structure":
        return st.deferred(lambda: _structure(shape, odd))
    if shape.kind == "list":
        least, most = int(shape.least or 0), int(min(shape.most or 2, 2))
        return st.deferred(lambda: st.lists(_of(shape.item, odd), min_size=least, max_size=max(least, most)))
    if shape.kind == "map":
        return st.deferred(lambda: st.dictionaries(WORDS, _of(shape.item, odd), max_size=2))
    return _scalar(shape)


@st.composite
def _structure(draw: st.DrawFn, shape: Shape, odd: st.SearchStrategy[Any] | None) -> dict[str, Any]:
    optional = [name for name in shape.fields if name not in shape.required]
    most = 1 if shape.one else FIELDS
    chosen = draw(st.lists(st.sampled_from(optional), max_size=most, unique=True)) if optional else []
    if shape.one:
        chosen = chosen or optional[:1]
    made = {name: draw(_of(shape.fields[name], odd)) for name in (*shape.required, *chosen)}
    if odd is not None and made and draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(sorted(made)))
        value = made.pop(name)
        if draw(st.booleans()):
            made[draw(st.sampled_from([name.lower(), name.upper(), name + "s", "x-" + name]))] = value
    return made


def _scalar(shape: Shape) -> st.SearchStrategy[Any]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    if shape.kind in ("integer", "long"):
        return st.integers(int(-2 if shape.least is None else shape.least), int(shape.most or 70000))
    if shape.kind in ("double", "float"):
        return st.floats(0, 100)
    if shape.kind == "boolean":
        return st.booleans()
    if shape.kind == "document":
        return st.dictionaries(WORDS, WORDS, max_size=1)
    least, most = int(shape.least or 0), int(min(shape.most or 12, 12))
    if shape.pattern:
        return st.text("abcXYZ019 _.:/=+-@", min_size=least, max_size=most)
    return (WORDS | st.text(max_size=10)).filter(lambda text: least <= len(text) <= (shape.most or 99))
