"""How systemd reads text: the lines of unit files, and variables as words with quotes or in environment files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# A comment, or NAME=, quoted parts, the rest. Possessive: nothing is tried twice.
_PART = re.compile(r"""[ \t]+|'[^']*+(?:'|\Z)|"(?:\\.|[^"\\])*+(?:"|\\?\Z)""", re.S)
_LINE = re.compile(
    rf"""[ \t\n]*+(?:[#;](?:\\[^\n]|[^\\\n])*+\\?|(?P<name>[^=\n]*+)"""
    rf"""(?:=(?P<quoted>(?:{_PART.pattern})*+)(?P<rest>(?:\\.|[^\\\n])*+\\?))?)(?:\n|\Z)""",
    re.S,
)
_BACKSLASH = re.compile(r"\\(.?)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "s": " "}


def is_name(text: str) -> bool:
    """Whether systemd takes this for the name of an environment variable."""
    return bool(_NAME.match(text))


def split_words(text: str) -> tuple[str, ...]:
    """The words of a unit file's value: quotes group and vanish, a backslash takes the next character as it is.

    An open quote ends with the text. Source: systemd.syntax(7), "Quoting".
    """
    words, rest, _ = _split(text, lambda found: _ESCAPES.get(found[1], found[1]))
    return (*words, rest) if rest is not None else words


def _split(text: str, unescape: Callable[[re.Match[str]], str | None]) -> tuple[tuple[str, ...], str | None, str]:
    """The words, and where the reading ends early: what it leaves, and why. `unescape` gives None for what is no escape."""
    words: list[str] = []
    word: str | None = None
    quote, at = "", 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\\":
            found = _ESCAPE.match(text, at)
            meant = unescape(found) if found else None
            if found is None or meant is None:
                return tuple(words), (word or "") + text[at - 1 :], "it holds a backslash that starts no escape"
            word, at = (word or "") + meant, found.end()
        elif quote:
            quote, word = ("", word) if letter == quote else (quote, (word or "") + letter)
        elif letter in "\"'":
            quote, word = letter, word or ""
        elif letter in _BLANKS:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + letter
    if word is not None and not quote:
        words.append(word)
    return tuple(words), word if quote else None, "its quotation mark is never closed" if quote else ""


_BLANKS = " \t\n\r"
_ESCAPE = re.compile(r"(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{3}|.?)", re.S)
_LETTERS = {**dict(zip("abfnrtvs", "\a\b\f\n\r\t\v ", strict=True)), "\\": "\\", '"': '"', "'": "'"}


def _as_c(found: re.Match[str]) -> str | None:
    """An escape as C has it, None where it is none. Source: systemd src/basic/escape.c, cunescape_one."""
    text = found[1]
    if len(text) < 2:
        return _LETTERS.get(text)
    number = int(text, 8) if text.isdigit() and text[0] < "8" else int(text[1:], 16)
    return chr(number) if 0 < number < 0x110000 and (text[0] in "uU" or number < 256) else None


# What systemd puts in the place of a specifier (systemd.unit(5)); None where it depends on the host.
_SPECIFIERS = {
    "%": "%", "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc", "T": "/tmp", "V": "/var/tmp",
    "u": "root", "U": "0", "g": "root", "G": "0", "h": "/root", "s": "/bin/sh", "i": "", "I": "", "j": "", "J": "",
} | dict.fromkeys("aAbBcdDfHlmMnNopPqvwWyY")  # fmt: skip


def unit_environment(value: str) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """The variables of an `Environment=` line as systemd takes them, and those that it drops, each with the reason.

    Source: systemd src/core/load-fragment.c, config_parse_environ: an open quote or an unknown escape ends the line's
    reading, a word with an unknown specifier is dropped.
    """
    words, rest, why = _split(value, _as_c)
    found: dict[str, str] = {}
    dropped: list[tuple[str, str]] = []
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not is_name(name):
            dropped.append((name, "it is no NAME=VALUE"))
        elif bad := re.search(r"%([a-zA-Z0-9])", text.replace("%%", "")):
            if bad[1] in _SPECIFIERS:
                found[name] = _expand(text)
            else:
                dropped.append((name, f"systemd reads %{bad[1]} as a specifier and knows none: write %%{bad[1]}"))
        else:
            found[name] = text.replace("%%", "%")
    if rest is not None:
        dropped.append((rest.partition("=")[0], why))
    return found, tuple(dropped)


def _expand(text: str) -> str:
    return re.sub(r"%([%a-zA-Z0-9])", lambda found: _SPECIFIERS.get(found[1]) or "", text)


def assignments(text: str) -> dict[str, str]:
    """The variables of an `Environment=` value, or of what `systemctl show` prints for it; later ones win."""
    pairs = (word.partition("=") for word in split_words(text))
    return {name: value for name, equals, value in pairs if equals and is_name(name)}


def parse_environment_file(text: str) -> dict[str, str]:
    """The variables that systemd takes from an `EnvironmentFile=`; lines without a valid name are left out.

    ```
    # a comment
    HTTPS_PROXY="http://proxy:3128"
    ECS_CLUSTER=prod # this is part of the value
    ```
    Source: systemd src/basic/env-file.c: comments only at the start of a line, quotes vanish where a value begins with
    them, a backslash takes the next character and joins lines, CR and LF both end a line.
    """
    found = {}
    for line in _LINE.finditer(text.replace("\r", "\n")):
        name, quoted, rest = (line["name"] or "").rstrip(_BLANKS), line["quoted"], line["rest"]
        if rest is not None and is_name(name):
            found[name] = _unquoted(quoted) + _BACKSLASH.sub(r"\1", rest.replace("\\\n", "")).rstrip(_BLANKS)
    return found


def _unquoted(text: str) -> str:
    parts = (part for part in _PART.findall(text) if part.strip())
    return "".join(part.strip("'") if part[0] == "'" else _double(part) for part in parts)


def _double(part: str) -> str:
    inner = part[1:-1] if len(part) > 1 and part.endswith('"') else part[1:]
    return re.sub(r"\\([\"\\`$])", r"\1", inner.replace("\\\n", ""))


def parse_service(text: str) -> tuple[tuple[str, str], ...]:
    """The assignments of a unit file's [Service] section in their order; a backslash at a line's end joins lines."""
    return tuple((key, value) for _, key, value in parse_section(text, "[Service]"))


def parse_section(text: str, wanted: str) -> tuple[tuple[int, str, str], ...]:
    """The assignments of one section, each with the number of its first line."""
    rows = [(number, line.partition("=")) for number, section, line in unit_lines(text) if section == wanted]
    return tuple((number, key.strip(BLANKS), value.strip(BLANKS)) for number, (key, equals, value) in rows if equals)


# systemd's blanks and line ends; Python knows more of both (src/basic/string-util.h, fileio.c read_line).
BLANKS = " \t\n\r"
_LINE_END = re.compile(r"\r\n|\n\r|[\n\r\0]")


def unit_lines(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines of a unit file below its headings: the number of the first line, the heading, what joined lines say.

    Source: systemd src/shared/conf-parser.c, config_parse: a backslash joins only as the very last character, a line that
    is no UTF-8 is passed over, and a heading without its bracket ends the reading.
    """
    section = ""
    for number, joined in _joined(text.removeprefix("\ufeff")):
        line = joined.strip(BLANKS)
        if not line or "\ufffd" in line:
            continue
        if not line.startswith("["):
            yield number, section, line
        elif line.endswith("]"):
            section = line
        else:
            return


def _joined(text: str) -> Iterator[tuple[int, str]]:
    pending, start = "", 0
    for number, raw in enumerate(_LINE_END.split(text), 1):
        line = raw.lstrip(BLANKS)
        if line.startswith(("#", ";")):
            continue
        start = start if pending else number
        if (len(line) - len(line.rstrip("\\"))) % 2:
            pending += line[:-1] + " "
            continue
        yield start, pending + line
        pending = ""
    if pending:
        yield start, pending
