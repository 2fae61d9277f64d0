"""Commands as a person pastes them: exact, in one line, and harmless to show."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def command_line(command: Sequence[str]) -> str:
    """The command for a shell. A word with characters that are not shown is written as $'...' (bash, zsh, ksh)."""
    return " ".join(map(_word, command))


def _word(word: str) -> str:
    return shlex.quote(word) if word.isprintable() else f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", _errors(character)))


def _errors(character: str) -> str:
    """Bytes that were no UTF-8 are written as they were."""
    return "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
