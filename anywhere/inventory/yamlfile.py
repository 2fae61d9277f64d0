"""Ansible's YAML: `all: {hosts: ..., children: ..., vars: ...}`, and a plain list of hosts."""

from __future__ import annotations

from typing import Any

from anywhere.documents.pointer import token
from anywhere.documents.yaml import Reader
from anywhere.documents.yaml import read_yaml as read
from anywhere.documents.yaml_nodes import YamlError
from anywhere.errors import ParseError
from anywhere.inventory.book import Book

DEEPEST, MOST_GROUPS = 50, 20_000  # groups within groups, and in all: aliases can make much of little


def read_yaml(text: str, book: Book) -> None:
    """Read into the book; what cannot be understood is noted with its line."""
    places = Reader(unique=True)
    try:
        data = read(text, places)
    except YamlError as error:
        return book.bad(error.line, f"not YAML: {error.problem}")
    except ParseError as error:
        return book.bad(0, f"not YAML: {error}")
    tree = _Tree(places, book)
    if isinstance(data, list):
        for number, item in enumerate(data):
            tree.item(item, f"/{number}")
    elif isinstance(data, dict) and isinstance(data.get("plugin"), str):
        plugin = str(data["plugin"])[:60]
        book.bad(
            1,
            f"this is the configuration of the inventory plugin {plugin}, which is not run here: "
            "ansible-inventory -i FILE --list | anywhere ... --inventory -",
        )
    elif isinstance(data, dict):
        for name, body in data.items():
            tree.group(str(name), body, token(name), 0)
    elif data is not None:
        book.bad(1, "not a list of hosts: write groups with hosts in them, or one host a line")
    return None


class _Tree:
    """Reads values at JSON pointers, for whose lines the reader is asked."""

    def __init__(self, places: Reader, book: Book) -> None:
        self._places, self._book = places, book

    def _line(self, pointer: str) -> int:
        return self._places.locate(pointer)[0]

    def item(self, item: object, pointer: str) -> None:
        """A host of a plain list: its name, or a mapping with one."""
        line = self._line(pointer)
        if isinstance(item, str):
            self._book.add_host(item, "ungrouped", {}, line)
        elif isinstance(item, dict) and isinstance(item.get("name") or item.get("host"), str):
            variables = {f"ansible_{key}": item[key] for key in ("host", "user", "port") if key in item}
            self._book.add_host(str(item.get("name") or item["host"]), "ungrouped", {**variables, **item}, line)
        else:
            self._book.bad(line, f"not a host, but a {type(item).__name__}")

    def group(self, name: str, body: object, pointer: str, depth: int) -> None:
        """A group and those below it."""
        book = self._book
        group = book.group(name, self._line(pointer))
        if body is None:
            return
        book.steps += 1
        if not isinstance(body, dict) or depth > DEEPEST or book.steps > MOST_GROUPS:
            book.bad(self._line(pointer), f"group {name!r} has no hosts: expected below it: hosts:, children: or vars:")
            return
        for key, value in body.items():
            below = pointer + token(key)
            if key == "vars" and isinstance(value, dict):
                group.variables.update(value)
            elif key == "hosts" and (isinstance(value, dict | list | str) or value is None):
                self._hosts({value: None} if isinstance(value, str) else value or {}, name, below)
            elif key == "children" and isinstance(value, dict):
                for child, inner in value.items():
                    group.children.append(child)
                    self.group(child, inner, below + token(child), depth + 1)
            elif value is not None:
                book.bad(self._line(below), f"{name}: {key[:40]!r} is none of hosts, children, vars")

    def _hosts(self, value: Any, group: str, pointer: str) -> None:
        for place, host in enumerate(value):
            variables = value[host] if isinstance(value, dict) else {}
            line = self._line(pointer + token(host if isinstance(value, dict) else place))
            if variables is not None and not isinstance(variables, dict):
                self._book.bad(line, f"{host}: its variables are written below it as name: value")
            else:
                self._book.add_host(str(host), group, variables or {}, line)
