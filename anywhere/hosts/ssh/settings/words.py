"""The lines of ssh_config taken apart as OpenSSH does it (misc.c, argv_split; readconf.c, process_config_line)."""

from __future__ import annotations

import re
from functools import lru_cache

_LINE = re.compile(r"\"?([A-Za-z][A-Za-z0-9]*)\"?(?:\s*=\s*|\s+|$)(.*)", re.S)
AS_IT_IS = frozenset(("proxycommand", "remotecommand", "localcommand", "knownhostscommand"))  # to the end of the line
Line = tuple[int, str, tuple[str, ...] | None]
"""Number, keyword in small letters, and words; None where a quotation mark is not closed."""
CRITERIA = ("host", "originalhost", "user", "localuser", "localnetwork", "version", "tagged", "command", "exec")


def words(text: str) -> list[str] | None:
    """The words of a value; a # at the beginning of one ends the line. None: a quotation mark is not closed.

    A backslash stands for itself but before a quotation mark, a backslash, or a space (misc.c, argv_split): so
    `CORP\\bob` is a user of Active Directory."""
    found: list[str] = []
    place = 0
    while place < len(text):
        if text[place] in " \t":
            place += 1
        elif text[place] == "#":
            break
        else:
            word, place = _word(text, place)
            if word is None:
                return None
            found.append(word)
    return found


def _word(text: str, place: int) -> tuple[str | None, int]:
    word, quote = "", ""
    while place < len(text):
        one, after = text[place], text[place + 1 : place + 2]
        if one == "\\" and after and (after in "'\"\\" or (after == " " and not quote)):
            word, place = word + after, place + 1
        elif not quote and one in " \t":
            break
        elif not quote and one in "\"'":
            quote = one
        elif quote and one == quote:
            quote = ""
        else:
            word += one
        place += 1
    return (None if quote else word), place


@lru_cache(maxsize=16)
def lines(text: str) -> tuple[Line, ...]:
    """The lines that say something. A fleet reads the same text for each host."""
    rows = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    return tuple(found for number, row in rows if (found := _line(number, row.strip())))


def _line(number: int, row: str) -> Line | None:
    found = None if row.startswith("#") else _LINE.fullmatch(row)
    if not found:
        return (number, row, ()) if row and not row.startswith("#") else None
    keyword, rest = found[1].lower(), found[2]
    if keyword in AS_IT_IS:
        return number, keyword, (rest,) if rest else ()
    parts = words(rest)
    if parts is not None and keyword == "match":
        parts = [word for part in parts for word in _criterion(part)]
    return number, keyword, None if parts is None else tuple(parts)


def _criterion(word: str) -> list[str]:
    """`host=x` is `host x` (readconf.c, match_cfg_line)."""
    name, mark, value = word.partition("=")
    return [name, value] if mark and name.lstrip("!").lower() in CRITERIA else [word]
