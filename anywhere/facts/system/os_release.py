"""The operating system as `/etc/os-release` names it."""

from __future__ import annotations

import re
from dataclasses import replace

from anywhere.catalogue.distros import OsRelease
from anywhere.errors import NotRecorded
from anywhere.facts.files import read_text
from anywhere.facts.system.quoting import parse_environment_file
from anywhere.hosts.base import Host
from anywhere.hosts.recording import once_a_run

# os-release(5): the first is a link to the second, which alone exists on some images.
PATHS = ("/etc/os-release", "/usr/lib/os-release")
BOOTED = "/run/ostree-booted"  # of OSTree and bootc (ostree(1))
_ID = re.compile(r"[a-z0-9._-]+\Z")

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (*PATHS, BOOTED)
FOLDERS: tuple[str, ...] = ()


@once_a_run
def os_release(host: Host) -> OsRelease:
    """The host's release; an empty one where no file tells."""
    for path in PATHS:
        text = read_text(host, path).content
        if text.strip():
            return replace(parse_os_release(text), image_based=_is_image_based(host))
    return OsRelease()


def _is_image_based(host: Host) -> bool:
    try:
        return read_text(host, BOOTED).exists is True
    except NotRecorded:  # a bundle of a version that did not ask
        return False


def parse_os_release(text: str) -> OsRelease:
    """Take os-release apart as the shell would: quotes, escapes and comments go, malformed lines are left out.

    ```
    ID=debian
    VERSION_ID="12"
    ID_LIKE="rhel fedora"
    ```
    Testing releases have no VERSION_ID; an ID that is no identifier counts as none.
    """
    fields = parse_environment_file(text.replace("\0", ""))
    id = fields.get("ID", "").strip().lower()
    return OsRelease(
        id=id if _ID.match(id) else "",
        version=fields.get("VERSION_ID", "").strip(),
        name=fields.get("PRETTY_NAME", "") or fields.get("NAME", ""),
        like=tuple(fields.get("ID_LIKE", "").lower().split()),
        codename=fields.get("VERSION_CODENAME", ""),
        variant=fields.get("VARIANT_ID", "").strip().lower(),
        fields=fields,
    )
