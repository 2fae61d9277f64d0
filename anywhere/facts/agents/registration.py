"""The host's registration with Systems Manager, without ever reading its keys.

The vault holds the private key beside the instance's id. `grep -o` prints the harmless fields and nothing else, on the
host itself, so the key never gets into this program, over the network or into a bundle.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from anywhere.frozen import frozen
from anywhere.hosts.base import Host

SAVED_STATE = "/var/lib/ecs/data/agent.db"
VAULT = "/var/lib/amazon/ssm/Vault/Store/RegistrationKey"
LEFTOVER = "/var/lib/amazon/ssm/registration"
IDENTITY = "/var/lib/amazon/ssm/runtimeconfig/identity_config.json"
_FIELDS = "instanceID|region|ManagedInstanceID|Region|InstanceId|IdentityType|ShareFile|CredentialsExpiresAt"
GREP = ("grep", "-oEH", rf'"({_FIELDS})" *: *"[^"]*"', VAULT, LEFTOVER, IDENTITY)

# A vault of no length at all: a power cut leaves it, and AWS's installer then registers anew. Asked only of a vault without
# the field.
IS_EMPTY = ("find", VAULT, "-empty")

COMMANDS: tuple[tuple[str, ...], ...] = (GREP,)
FILES: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = ()

REGISTERED, UNFINISHED, MALFORMED, NONE, UNKNOWN = "registered", "unfinished", "malformed", "none", "unknown"
_ROW = re.compile(r'(?P<path>/[^:]*):"(?P<name>\w+)" *: *"(?P<value>[^"]*)"\Z')
_ID = re.compile(r"(mi|i)-[0-9a-f]+\Z")


@frozen
class Registration:
    """`state`: `registered` (the vault names an instance), `unfinished` (a vault without one: a failed attempt, or one
    that was cleared), `malformed` (a vault without that field), `none`, or `unknown` (it may not be read).

    `leftover` is the instance that the `registration` file still names, `expires` the end of the credentials as the
    agent wrote it, `share_file` where it puts them, `empty` whether the vault has no length at all."""

    state: str = NONE
    instance: str = ""
    region: str = ""
    leftover: str = ""
    expires: str = ""
    share_file: str = ""
    empty: bool = False

    @property
    def is_registered(self) -> bool | None:
        """None where that may not be seen."""
        return None if self.state == UNKNOWN else self.state == REGISTERED


def registration(host: Host) -> Registration:
    """The host's registration."""
    done = host.run(GREP, timeout=2)
    if done.rc not in (0, 1, 2):
        return Registration(UNKNOWN)
    found = parse_registration(done.stdout, done.stderr)
    return replace(found, empty=found.state == MALFORMED and VAULT in host.run(IS_EMPTY, timeout=2).stdout)


def parse_registration(text: str, errors: str = "") -> Registration:
    """What `grep` printed of the three files, and its complaints about those it could not open.

    ```
    /var/lib/amazon/ssm/Vault/Store/RegistrationKey:"instanceID":"mi-0123456789abcdef0"
    /var/lib/amazon/ssm/Vault/Store/RegistrationKey:"region":"us-east-1"
    ```
    """
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if row := _ROW.match(line):
            found.setdefault(row["path"], {}).setdefault(row["name"], row["value"])
    vault, leftover, identity = (found.get(path, {}) for path in (VAULT, LEFTOVER, IDENTITY))
    return Registration(
        state=_state(vault, errors),
        instance=_id(vault.get("instanceID", "")),
        region=vault.get("region", ""),
        leftover=_id(leftover.get("ManagedInstanceID", "")),
        expires=identity.get("CredentialsExpiresAt", ""),
        share_file=identity.get("ShareFile", ""),
    )


def _state(vault: Mapping[str, str], errors: str) -> str:
    if _id(vault.get("instanceID", "")):
        return REGISTERED
    if "instanceID" in vault:
        return UNFINISHED
    complaint = next((line for line in errors.splitlines() if VAULT in line), "")
    if complaint:
        return NONE if "No such file" in complaint or "Not a directory" in complaint else UNKNOWN
    # Opened, and without the field: only where every complaint is about another of the files.
    others = all(LEFTOVER in line or IDENTITY in line for line in errors.splitlines())
    return MALFORMED if others else UNKNOWN


def _id(text: str) -> str:
    return text if _ID.match(text) else ""
