"""A plain list, one host a line, and Ansible's INI: groups, `:children`, `:vars`, variables behind a host."""

from __future__ import annotations

import ipaddress
import re
import shlex

from anywhere.inventory.book import Book

_HEADER = re.compile(r"\[([^\[\]:\s]+)(?::([a-z]+))?\]\s*(?:[#;].*)?")
LONGEST = 16_384  # characters of a line
KINDS = (None, "children", "vars")
UNGROUPED = "ungrouped"


def read_ini(text: str, book: Book) -> None:
    """Read into the book; what cannot be understood is noted with its line."""
    group, kind = UNGROUPED, None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if len(line) > LONGEST:
            book.bad(number, f"longer than {LONGEST:,} characters: not a host")
            continue
        header = _HEADER.fullmatch(line)
        if header and not _is_host(line):
            group, kind = header.groups()
            if kind not in KINDS:
                book.bad(number, f"[{group}:{kind}]: only :children and :vars are known")
            book.group(group, number)
        elif kind is None:
            _host(line, group, number, book)
        elif kind == "children":
            book.group(group).children.append(line.split("#")[0].strip())
        elif kind == "vars":
            _variable(line, group, number, book)


def _is_host(line: str) -> bool:
    """Whether a line in brackets is an IPv6 address and not a group."""
    try:
        return ipaddress.ip_address(line[1:].partition("]")[0]).version == 6
    except ValueError:
        return False


def _host(line: str, group: str, number: int, book: Book) -> None:
    first, *_ = line.split(None, 1)
    try:
        name, *words = shlex.split(line, comments=True)
    except ValueError as error:
        return book.bad(number, f"{line[:80]!r}: {str(error).lower()}")
    if "\\" in first and not any(mark in first for mark in "\"'#="):
        name = first  # shlex takes the backslash of a user in Active Directory away
    variables = {}
    for word in words:
        key, mark, value = word.partition("=")
        if not mark or not key:
            return book.bad(number, f"{line[:80]!r}: {word[:40]!r} is no variable: write name=value")
        variables[key] = value
    return book.add_host(name, group, variables, number)


def _variable(line: str, group: str, number: int, book: Book) -> None:
    key, mark, value = line.partition("=")
    if not mark or not key.strip() or " " in key.strip():
        return book.bad(number, f"{line[:80]!r} is no variable: write name=value")
    book.group(group).variables[key.strip()] = value.strip().strip("\"'")
    return None
