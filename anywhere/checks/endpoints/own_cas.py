"""A CA that was put on this host and is not in its store: beside the folder, in a form, or at a time that does not count.

Sources: update-ca-certificates(8) of Debian (files that end in .crt, PEM, one link in /etc/ssl/certs for each) and of SUSE
(/etc/pki/trust/anchors); update-ca-trust(8) (RHEL: /etc/pki/ca-trust/source/anchors); docker/docs issue 21918.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from anywhere.catalogue.distros import FAMILIES, Family
from anywhere.checks.remedies import Command
from anywhere.errors import NotRecorded
from anywhere.facts.files import list_folder, read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

DEBIAN, LINKS = "/usr/local/share/ca-certificates", "/etc/ssl/certs"
MARK = "BEGIN CERTIFICATE"
DER = ("0\ufffd", "0\x82")  # a DER sequence with a long length, as bytes that are read for text begin
MOST = 64  # files of a folder that are looked at


@frozen
class OwnCa:
    """The file, why the store lacks it, what to do with it, and the commands for that; the store is built again behind them."""

    path: str
    why: str
    fix: str
    commands: tuple[Command, ...] = ()


def own_ca(host: Host, known: Family, names: Iterable[str]) -> OwnCa | None:
    """The first certificate on this host that has one of these names and that its store does not take; None without one."""
    wanted = tuple(_as_der(name.encode()) for name in names if name)
    try:
        for found in (*_in_folder(host, known), *_elsewhere(host, known)):
            held = _decoded(read_text(host, found.path).content)
            if any(name in held for name in wanted):
                return found
    except NotRecorded:  # a bundle of a version that did not look into these folders
        return None
    return None


def _as_der(name: bytes) -> bytes:
    """A name with its length in front, as a certificate holds it: `IT` is then not found in `ITALY`."""
    return bytes((len(name),)) + name if len(name) < 128 else name


def _decoded(text: str) -> bytes:
    """The certificates of a file; what is no PEM as it stands."""
    if MARK not in text:
        return text.encode("utf-8", "replace")
    held = b""
    for part in text.split(f"-----{MARK}-----")[1:]:
        try:
            held += base64.b64decode("".join(part.partition("-----")[0].split()), validate=False)
        except ValueError:
            continue
    return held


def _in_folder(host: Host, known: Family) -> Iterator[OwnCa]:
    folder, tool = known.ca_folder, known.ca_command[0]
    is_debian = folder == DEBIAN
    links = list_folder(host, LINKS) if is_debian else None
    for name in (list_folder(host, folder) or ())[:MOST]:
        path, stem = f"{folder}/{name}", name.rpartition(".")[0] or name
        text = read_text(host, path).content
        if not name.endswith((".crt",) if is_debian else (".crt", ".pem", ".cer", ".der")):
            if MARK in text:
                ends = ".crt" if is_debian else ".pem or .crt"
                yield OwnCa(
                    path,
                    f"{tool} ignores it: its name does not end in {ends}",
                    "rename it and rebuild the store",
                    (("mv", path, f"{folder}/{stem}.crt"),),
                )
        elif is_debian and text.startswith(DER) and MARK not in text:
            yield OwnCa(
                path,
                f"it is in DER form, and {tool} takes PEM alone",
                "convert it and rebuild the store",
                (("openssl", "x509", "-inform", "der", "-in", path, "-out", f"{folder}/{stem}-pem.crt"),),
            )
        elif links is not None and MARK in text and f"{_link(stem)}.pem" not in links:
            yield OwnCa(path, f"{tool} was not run since it was put there", "rebuild the store", ((tool, "--fresh"),))


def _link(stem: str) -> str:
    """The name of the link that Debian's tool makes for a file."""
    return stem.translate(str.maketrans(" (),", "_==_"))


def _elsewhere(host: Host, known: Family) -> Iterator[OwnCa]:
    """In the folder of another distribution, as a role or an image that was written for that one puts it."""
    others = dict.fromkeys(one.ca_folder for one in FAMILIES.values() if one.ca_folder not in ("", known.ca_folder))
    for folder in others:
        for name in (list_folder(host, folder) or ())[:MOST]:
            path = f"{folder}/{name}"
            if MARK in read_text(host, path).content:
                stem = name.rpartition(".")[0] or name
                yield OwnCa(
                    path,
                    f"{known.ca_command[0]} of this distribution reads {known.ca_folder}",
                    "copy it there and rebuild the store",
                    (("install", "-m", "0644", path, f"{known.ca_folder}/{stem}.crt"),),
                )
