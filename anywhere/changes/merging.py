"""Text files of others that are merged: read and written byte for byte, whatever their encoding and line ends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from anywhere.changes.base import ChangeFailed, NeedsRoot
from anywhere.hosts.base import Host

Lines = tuple[tuple[str, "str | None"], ...]
_MAIN = re.compile(r"^\[main\][^\n]*(?:\n|\Z)", re.MULTILINE)
_SECTION = re.compile(r"^\[", re.MULTILINE)
_LINE_STARTS = re.compile(r"(?<=\n)")
_END = re.compile(r"\r?\n")


def text_of(host: Host, path: str) -> str:
    """The text of a file, empty where there is none; bytes that are no UTF-8 come back by `bytes_of`. Raises ChangeFailed
    where it cannot be read: what cannot be kept is not merged."""
    try:
        return host.read(path).decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except PermissionError:
        raise NeedsRoot(f"{path} may not be read: run as root") from None
    except IsADirectoryError:
        raise ChangeFailed(f"{path} is a directory, not a file: remove it, then run the same command again") from None
    except OSError as error:
        raise ChangeFailed(f"{path} {_why(error)}") from None


def _why(error: OSError) -> str:
    said = error.strerror or str(error)
    return f"{said}: remove it, then run the same command again" if "not a file" in said else f"cannot be read: {said}"


def bytes_of(text: str) -> bytes:
    """The bytes of a text that `text_of` has read, and what was merged into it."""
    return text.encode("utf-8", "surrogateescape")


def json_of(value: object, **form: object) -> str:
    """JSON in which bytes that were no UTF-8 are still those bytes."""
    text = json.dumps(value, ensure_ascii=False, **form)  # type: ignore[arg-type]
    try:
        bytes_of(text)
    except UnicodeEncodeError:  # half a surrogate pair, which stood there as an escape
        return json.dumps(value, **form)  # type: ignore[arg-type]
    return text


def merge_lines(text: str, values: Mapping[str, str]) -> tuple[str, Lines]:
    """A NAME=value file with these values, and what each new line took the place of. The last line of a name is
    the one that counts, so it is the one that is changed; all else stays as it is, line ends too."""
    lines = text.removesuffix("\n").split("\n") if text else []
    undo: list[tuple[str, str | None]] = []
    for name, value in values.items():
        new = f"{name}={value}"
        at = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].partition("=")[0].strip() == name), None)
        if at is None:
            lines.append(new)
            undo.append((new, None))
        elif lines[at] != new:
            undo.append((new, lines[at]))
            lines[at] = new
    merged = "\n".join(lines) + "\n" if lines else ""
    return (text if not undo else merged), tuple(undo)


def merge_section(text: str, values: Mapping[str, str]) -> tuple[str, Lines]:
    """The same as merge_lines for the [main] section of an ini file, which is added where there is none."""
    found = _MAIN.search(text)
    if not found:
        merged, undo = merge_lines("", values)
        return f"{_ended(text)}[main]\n{merged}", undo
    after = _SECTION.search(text, found.end())
    end = after.start() if after else len(text)
    body, gap = _before_gap(text[found.end() : end])
    merged, undo = merge_lines(body, values)
    return (f"{_ended(text[: found.end()])}{merged}{gap}{text[end:]}", undo) if undo else (text, ())


def _ended(text: str) -> str:
    return text + "\n" if text and not text.endswith("\n") else text


def _before_gap(body: str) -> tuple[str, str]:
    """The lines of a section, and the empty ones after them."""
    core = body.rstrip("\r\n")
    if core and (end := _END.match(body, len(core))):
        core += end[0]
    return core, body[len(core) :]


def without(text: str, ours: Mapping[str, str | None]) -> str:
    """A text without lines of ours: each gives way to what it took the place of (None: nothing)."""
    kept = []
    for line in _LINE_STARTS.split(text):
        bare = line.removesuffix("\n")
        bare = bare if bare in ours else bare.removesuffix("\r")
        if bare not in ours:
            kept.append(line)
        elif (before := ours[bare]) is not None:
            end = line[len(bare) :]
            kept.append((before.removesuffix("\r") if end == "\r\n" else before) + end)
    return "".join(kept)
