"""systemd's two ways of writing variables: words with quotes (unit files) and environment files."""

from __future__ import annotations

import re

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
    words: list[str] = []
    word: str | None = None
    quote = ""
    letters = iter(text)
    for letter in letters:
        if letter == "\\":
            following = next(letters, "")
            word = (word or "") + _ESCAPES.get(following, following)
        elif quote:
            quote, word = ("", word) if letter == quote else (quote, (word or "") + letter)
        elif letter in "\"'":
            quote, word = letter, word or ""
        elif letter.isspace():
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + letter
    return (*words, word) if word is not None else tuple(words)


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
        name, quoted, rest = line["name"], line["quoted"], line["rest"]
        if rest is not None and is_name(name.rstrip()):
            found[name.rstrip()] = _unquoted(quoted) + _BACKSLASH.sub(r"\1", rest.replace("\\\n", "")).rstrip()
    return found


def _unquoted(text: str) -> str:
    parts = (part for part in _PART.findall(text) if part.strip())
    return "".join(part.strip("'") if part[0] == "'" else _double(part) for part in parts)


def _double(part: str) -> str:
    inner = part[1:-1] if len(part) > 1 and part.endswith('"') else part[1:]
    return re.sub(r"\\([\"\\`$])", r"\1", inner.replace("\\\n", ""))
