"""The version that a package file says of itself: the control data of a deb, the header of an rpm. Standard library only.

Formats: deb(5), ar(5); rpm's file format, version 3 (https://rpm-software-management.github.io/rpm/manual/format_v4.html).
Only files whose signature was verified are read.
"""

from __future__ import annotations

import io
import struct
import tarfile

from anywhere.errors import BadInput

_LARGEST = 8 << 20  # bytes of control data or of a header: the agents' have some KiB
_LEAD, _MAGIC = 96, b"\x8e\xad\xe8\x01"
_VERSION, _RELEASE = 1001, 1002


def package_version(path: str) -> str:
    """As the package manager shows it: `1.105.1-1`. Raises BadInput for a file that is no package."""
    try:
        with open(path, "rb") as file:
            head = file.read(8)
            file.seek(0)
            found = _of_deb(file) if head == b"!<arch>\n" else _of_rpm(file)
    except (OSError, ValueError, KeyError, struct.error, tarfile.TarError, EOFError) as error:
        raise BadInput(f"{path}: its version cannot be read: {error}") from None
    if not found:
        raise BadInput(f"{path} names no version")
    return found


def _of_deb(file: io.BufferedReader) -> str:
    file.seek(8)
    while len(head := file.read(60)) == 60:
        name, size = head[:16].decode().strip().rstrip("/"), int(head[48:58])
        if not name.startswith("control.tar"):
            file.seek(size + size % 2, io.SEEK_CUR)
            continue
        if size > _LARGEST:
            raise ValueError("its control data is too large")
        with tarfile.open(fileobj=io.BytesIO(file.read(size))) as archive:
            member = next(one for one in archive.getmembers() if one.name.removeprefix("./") == "control")
            text = archive.extractfile(member)
            lines = text.read(_LARGEST).decode("utf-8", "replace").splitlines() if text else []
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("Version:")), "")
    raise ValueError("it holds no control data")


def _of_rpm(file: io.BufferedReader) -> str:
    file.seek(_LEAD)
    _, length = _header(file)
    file.seek(-length % 8, io.SEEK_CUR)  # the signature's header is padded to eight bytes
    tags, _ = _header(file)
    return "-".join(tags[tag] for tag in (_VERSION, _RELEASE))


def _header(file: io.BufferedReader) -> tuple[dict[int, str], int]:
    """The strings of a header by their tags, and the length of its store."""
    magic, entries, length = struct.unpack(">4s4xII", file.read(16))
    if magic != _MAGIC or entries > 65536 or length > _LARGEST:
        raise ValueError("it is neither a deb nor an rpm")
    index, store = file.read(16 * entries), file.read(length)
    tags = {}
    for tag, kind, offset, _ in struct.iter_unpack(">IIII", index):
        if kind == 6 and offset < length:
            tags[tag] = store[offset:].partition(b"\0")[0].decode("utf-8", "replace")
    return tags, length
