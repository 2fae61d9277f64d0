"""JSON: a list of hosts, Ansible's dynamic inventory (`--list`), or its YAML form written as JSON."""

from __future__ import annotations

import json
from typing import Any

from anywhere.inventory.book import Book
from anywhere.inventory.yamlfile import read_yaml


def read_json(text: str, book: Book) -> None:
    """Read into the book; what cannot be understood is noted with its line."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return book.bad(error.lineno, f"not JSON: {error.msg.lower()}")
    except (ValueError, RecursionError) as error:
        return book.bad(0, f"not JSON: {str(error)[:200]}")
    if isinstance(data, list):
        for number, item in enumerate(data, 1):
            _item(item, number, book)
    elif "_meta" in data or any(isinstance(body, list) or _is_dynamic(body) for body in data.values()):
        _dynamic(data, book)
    else:
        read_yaml(text, book)  # JSON is YAML, and the reader of that knows the lines
    return None


def _item(item: Any, number: int, book: Book) -> None:
    if isinstance(item, str):
        book.add_host(item, "ungrouped", {}, 0)
        return
    name = item.get("name") or item.get("host") or item.get("ansible_host") if isinstance(item, dict) else None
    if not isinstance(name, str):
        book.bad(0, f"host number {number} has no name")
        return
    variables = {f"ansible_{key}": item[key] for key in ("host", "user", "port") if key in item}
    groups = item.get("groups")
    for group in groups if isinstance(groups, list) and groups else ["ungrouped"]:
        book.add_host(name, str(group), {**variables, **item}, 0)


def _is_dynamic(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("hosts"), list)


def _dynamic(data: dict[str, object], book: Book) -> None:
    meta = data.get("_meta")
    own = meta.get("hostvars") if isinstance(meta, dict) else None
    variables = own if isinstance(own, dict) else {}
    for name, body in data.items():
        if name == "_meta":
            continue
        body = {"hosts": body} if isinstance(body, list) else body
        if not isinstance(body, dict):
            book.bad(0, f"group {name!r} is neither a list of hosts nor an object")
            continue
        group = book.group(name)
        group.variables.update(_mapping(body.get("vars")))
        group.children += [str(child) for child in _list(body.get("children"))]
        for child in group.children:
            book.group(child)
        for number, host in enumerate(_list(body.get("hosts")), 1):
            if not isinstance(host, str):
                book.bad(0, f"group {name!r}: host number {number} is no name: this is no `ansible-inventory --list`")
                continue
            book.add_host(str(host), name, _mapping(variables.get(str(host))), 0)


def _mapping(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | dict) else []
