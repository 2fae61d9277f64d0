"""Ansible's YAML: `all: {hosts: ..., children: ..., vars: ...}`, and a plain list of hosts."""

from __future__ import annotations

import warnings
from typing import Any

from anywhere.inventory.book import Book

DEEPEST, MOST_GROUPS = 50, 20_000  # groups within groups, and in all: aliases can make much of little


def read_yaml(text: str, book: Book) -> None:
    """Read into the book; what cannot be understood is noted with its line."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        with warnings.catch_warnings():
            # An anchor that is used again is legal; the parser's own warning would stand beside the result.
            warnings.simplefilter("ignore")
            data = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return book.bad(line, f"not YAML: {error.problem or error.context}")
    except (YAMLError, ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
        return book.bad(0, f"not YAML: {' '.join(str(error).split())[:200]}")
    if isinstance(data, list):
        for number, item in enumerate(data):
            _item(item, _line(data, number), book)
    elif isinstance(data, dict):
        for name, body in data.items():
            _group(str(name), body, _line(data, name), book, 0)
    elif data is not None:
        book.bad(1, "not a list of hosts: write groups with hosts in them, or one host a line")
    return None


def _item(item: Any, line: int, book: Book) -> None:
    if isinstance(item, str):
        book.add_host(item, "ungrouped", {}, line)
    elif isinstance(item, dict) and isinstance(item.get("name") or item.get("host"), str):
        variables = {f"ansible_{key}": item[key] for key in ("host", "user", "port") if key in item}
        book.add_host(str(item.get("name") or item["host"]), "ungrouped", {**variables, **item}, line)
    else:
        book.bad(line, f"not a host, but a {type(item).__name__}")


def _group(name: str, body: Any, line: int, book: Book, depth: int) -> None:
    group = book.group(name, line)
    if body is None:
        return
    book.steps += 1
    if not isinstance(body, dict) or depth > DEEPEST or book.steps > MOST_GROUPS:
        book.bad(line, f"group {name!r} has no hosts: below it stand hosts:, children: or vars:")
        return
    for key, value in body.items():
        if key == "vars" and isinstance(value, dict):
            group.variables.update(value)
        elif key == "hosts" and (isinstance(value, dict | list) or value is None):
            _hosts(value or {}, name, book)
        elif key == "children" and isinstance(value, dict):
            for child, inner in value.items():
                group.children.append(str(child))
                _group(str(child), inner, _line(value, child), book, depth + 1)
        elif value is not None:
            book.bad(_line(body, key), f"{name}: {str(key)[:40]!r} is none of hosts, children, vars")


def _hosts(value: Any, group: str, book: Book) -> None:
    for place, host in enumerate(value):
        variables = value[host] if isinstance(value, dict) else {}
        line = _line(value, host if isinstance(value, dict) else place)
        if variables is not None and not isinstance(variables, dict):
            book.bad(line, f"{host}: its variables are written below it as name: value")
        else:
            book.add_host(str(host), group, variables or {}, line)


def _line(node: Any, key: Any) -> int:
    """The line of a key in its mapping, or of an item in its list; 0 where that is not known."""
    try:
        place = node.lc.data[key]
        return int(place[0]) + 1
    except (AttributeError, KeyError, TypeError, IndexError):
        return 0
