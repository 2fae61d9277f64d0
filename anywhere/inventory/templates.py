"""Values of an inventory that are templates: a variable's name in braces is filled in, all else is Ansible's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from anywhere.errors import BadInput

_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
DEEPEST, LONGEST = 8, 4096  # variables within variables, and characters
VAULT = "__ansible_vault"  # as `ansible-inventory --list` writes it


def text(value: object) -> str:
    """A variable's value; empty for what is none."""
    if isinstance(value, dict) and set(value) == {"__ansible_unsafe"}:
        value = value["__ansible_unsafe"]
    return str(value).strip() if isinstance(value, str | int) else ""


def is_encrypted(value: object) -> bool:
    """Whether ansible-vault holds it."""
    return (isinstance(value, dict) and VAULT in value) or (
        isinstance(value, str) and value.lstrip().startswith("$ANSIBLE_VAULT")
    )


def filled(name: str, value: str, variables: Mapping[str, object]) -> str:
    """The value of a variable of this name. Raises BadInput for what only Ansible can fill in."""
    for _ in range(DEEPEST):
        if "{{" not in value and "{%" not in value:
            return value
        value = _NAME.sub(lambda found: text(variables.get(found[1])) or found[0], value)[:LONGEST]
    raise BadInput(
        f"{name} is a template that cannot be filled in here: write its value, or set it for this host in ~/.ssh/config"
    )
