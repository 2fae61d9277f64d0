"""The SSM agent's settings file as the agent reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field

from anywhere.facts.files import Access, read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

# The package's, then the snap's (agent/appconfig/constants_unix.go).
PATHS = ("/etc/amazon/ssm/amazon-ssm-agent.json", "/snap/amazon-ssm-agent/current/amazon-ssm-agent.json")

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = PATHS
FOLDERS: tuple[str, ...] = ()


@frozen
class SsmSettings:
    """`path` is empty without a file. `error` is why the agent cannot read it, `line` where (0: not known). `values` are
    the sections with their keys as they are written; `text` is the file."""

    path: str = ""
    error: str = ""
    line: int = 0
    values: Mapping[str, object] = field(default_factory=dict)
    text: str = ""

    def get(self, section: str, key: str) -> object:
        """A value by section and key, without regard to case; None where it is not set."""
        found = _folded(self.values).get(section.lower())
        return _folded(found).get(key.lower()) if isinstance(found, dict) else None

    def line_of(self, key: str) -> int:
        """The line that holds a key; 0 where none does."""
        wanted = f'"{key.lower()}"'
        return next((n for n, row in enumerate(self.text.splitlines(), 1) if wanted in row.lower()), 0)


def _folded(found: object) -> dict[str, object]:
    return {str(key).lower(): value for key, value in found.items()} if isinstance(found, Mapping) else {}


def ssm_settings(host: Host) -> SsmSettings:
    """The settings that the agent of this host reads at its start; without a file it takes its defaults."""
    for path in PATHS:
        text = read_text(host, path)
        if text.access is Access.READ:
            return parse_ssm_settings(path, text.content)
    return SsmSettings()


def parse_ssm_settings(path: str, text: str) -> SsmSettings:
    """
    ```
    {"Profile": {"ShareCreds": true}, "Agent": {"Region": ""}}
    ```
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        return SsmSettings(path, error.msg, error.lineno, text=text)
    except (ValueError, RecursionError):
        return SsmSettings(path, "cannot be read as JSON", text=text)
    if not isinstance(found, dict):
        return SsmSettings(path, "is no JSON object", text=text)
    return SsmSettings(path, values=found, text=text)
