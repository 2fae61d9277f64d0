"""A line of ssh_config taken apart as OpenSSH does it (misc.c, argv_split; readconf.c, process_config_line), and written
so that asyncssh, which reads by shlex, finds the same words."""

from __future__ import annotations

import re
import shlex

_LINE = re.compile(r"\"?([A-Za-z][A-Za-z0-9]*)\"?(?:\s*=\s*|\s+)(.*)", re.S)
AS_IT_IS = frozenset(("proxycommand", "remotecommand", "localcommand", "knownhostscommand"))  # to the end of the line
EQUALS = "\x1f"  # stands for = within a criterion of Match: asyncssh would split there
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


def readable(text: str) -> str:
    """The text of an ssh_config for asyncssh, each line at its own place."""
    return "\n".join(_line(line.strip()) for line in text.removeprefix("\ufeff").split("\n"))


def _line(line: str) -> str:
    if not line or line.startswith("#"):
        return ""
    found = _LINE.fullmatch(line)
    if not found:
        return line
    keyword, rest = found[1], found[2]
    if keyword.lower() in AS_IT_IS:
        return f"{keyword} {shlex.quote(rest)}"
    parts = words(rest)
    if parts is None:
        return line  # asyncssh says that, with the number of the line
    if keyword.lower() == "match":
        parts = [word.replace("=", EQUALS) for part in parts for word in _criterion(part)]
    return f"{keyword} {shlex.join(parts)}" if parts else ""


def _criterion(word: str) -> list[str]:
    """`host=x` is `host x` (readconf.c, match_cfg_line)."""
    name, mark, value = word.partition("=")
    return [name, value] if mark and name.lstrip("!").lower() in CRITERIA else [word]
