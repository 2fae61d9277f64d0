"""How many CA certificates the host's store holds, where Go programs look (see hosts/trust.py for the list)."""

from __future__ import annotations

from anywhere.documents.numbers import whole
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.probe.castore import FILES as BUNDLES
from anywhere.hosts.probe.castore import FOLDERS as CERTIFICATE_FOLDERS

_MARK = "BEGIN CERTIFICATE"
# Counted on the host: the bundle of observations would otherwise carry the whole store. The folders only where no file has
# any: they mostly hold the same certificates once more, each in a file of its own.
# Only plain files, and so many bytes of them: what has no end, or waits, is no certificate.
COUNT = (
    "sh",
    "-c",
    f'for f in {" ".join(BUNDLES)}; do [ -f "$f" ] || continue; n=$(head -c 4194304 "$f" | grep -c \'{_MARK}\'); '
    '[ "${n:-0}" -gt 0 ] && { echo "$f $n"; exit; }; done 2>/dev/null; '
    f"echo folders $(find -L {' '.join(CERTIFICATE_FOLDERS)} -maxdepth 1 -type f -exec cat {{}} + 2>/dev/null | "
    f"head -c 16777216 | grep -c '{_MARK}')",
)
COMMANDS: tuple[tuple[str, ...], ...] = (COUNT,)
FILES: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = ()


@frozen
class CaStore:
    """The bundle in use (empty: none), and how many certificates it holds, or without one the folders; None where not known."""

    bundle: str = ""
    certificates: int | None = None


def parse_ca_store(text: str) -> CaStore:
    """`/etc/ssl/certs/ca-certificates.crt 140`, or `folders 280`; older bundles have both, one a line."""
    bundle, counts = "", []
    for line in text.splitlines():
        path, _, count = line.rpartition(" ")
        if (number := whole(count)) is not None:
            counts.append(number)
            bundle = path if path != "folders" else bundle
    return CaStore(bundle, max(counts) if counts else None)


def ca_store(host: Host) -> CaStore:
    """The host's store."""
    return parse_ca_store(host.run(COUNT).stdout)
