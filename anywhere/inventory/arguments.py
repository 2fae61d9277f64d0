"""What Ansible hands to ssh beside the address: `ansible_ssh_common_args` and its like, as lines of ssh_config."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from anywhere.errors import BadInput

# In the order in which Ansible gives them to ssh, where the first value of an option holds (ansible.builtin.ssh).
NAMES = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
# ssh(1): options with a value, as keywords of ssh_config(5), and those without.
VALUES = {"J": "ProxyJump", "i": "IdentityFile", "p": "Port", "l": "User", "b": "BindAddress"}
VALUES |= {"B": "BindInterface", "S": "ControlPath", "I": "PKCS11Provider"}
OTHER_VALUES = "ceDEFLmOPQRWw"
# Which keys of hosts are accepted is our own option's (--ssh-accept-new, --known-hosts), never an argument's.
OWN = ("stricthostkeychecking", "userknownhostsfile", "globalknownhostsfile")
FLAGS = {"4": "AddressFamily inet", "6": "AddressFamily inet6"}


def ssh_lines(variables: Mapping[str, str]) -> tuple[str, ...]:
    """The lines, for these texts by what they are called. Raises BadInput for what ssh would not take."""
    lines: list[str] = []
    for name, text in variables.items():
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise BadInput(f"{name}: {str(error).lower()}") from error
        while words:
            lines += _line(name, words)
    return tuple(lines)


def _line(name: str, words: list[str]) -> list[str]:
    word = words.pop(0)
    if not word.startswith("-") or len(word) < 2:
        raise BadInput(f"{name}: {word[:40]!r} is no option of ssh")
    letter, rest = word[1], word[2:]
    if letter != "o" and letter not in VALUES and letter not in OTHER_VALUES:
        # Letters without a value stand together, the last of them may have one: -AJ bastion.
        more = _line(name, [f"-{rest}", *words]) if rest else []
        if rest and not _is_flags(rest):
            del words[: 1 if _takes_next(rest) else 0]
        return ([FLAGS[letter]] if letter in FLAGS else []) + more
    if not rest and not words:
        raise BadInput(f"{name}: -{letter} has no value")
    value = rest or words.pop(0)
    if letter == "o":
        keyword, mark, setting = value.partition("=") if "=" in value.split(" ", 1)[0] else value.partition(" ")
        if not mark:
            raise BadInput(f"{name}: {value[:40]!r} is no option: write -o Name=value")
        return [] if keyword.strip().lower() in OWN else [f"{keyword.strip()} {setting.strip()}"]
    if letter == "F":
        return [f"Include {_quoted(os.path.abspath(os.path.expanduser(value)))}"]
    return [f"{VALUES[letter]} {_quoted(value)}"] if letter in VALUES else []


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _is_flags(letters: str) -> bool:
    return not any(one == "o" or one in VALUES or one in OTHER_VALUES for one in letters)


def _takes_next(letters: str) -> bool:
    """Whether the first letter with a value is the last one, so that its value is the next word."""
    place = next(at for at, one in enumerate(letters) if one == "o" or one in VALUES or one in OTHER_VALUES)
    return place == len(letters) - 1
