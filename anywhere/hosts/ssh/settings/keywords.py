"""Keywords of ssh_config that asyncssh reads otherwise than OpenSSH, or refuses (readconf.c; ssh_config(5))."""

from __future__ import annotations

import glob
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asyncssh.config import SSHClientConfig
from asyncssh.pattern import WildcardPattern, WildcardPatternList

# Not for us: our own limits on time hold, nothing is run but what we run, and no agent is lent to a host. asyncssh refuses
# times such as 1m, and takes CASignatureAlgorithms for what our own keys may sign with.
TIMES = ("connecttimeout", "serveraliveinterval", "serveralivecountmax", "tcpkeepalive", "requesttty", "remotecommand")
UNUSED = (*TIMES, "forwardagent", "enablesshkeysign", "casignaturealgorithms")
# asyncssh does not know these.
PKCS11 = "PKCS11Provider of ssh_config"  # not by its own name, under which asyncssh would load it and fail
MORE = ("BindInterface", "ControlPath", "RevokedHostKeys")
NAMES = ("host", "originalhost")  # criteria that do not tell capital letters apart (match.c, match_hostname)
ALONE = ("all", "canonical", "final")
OURS = {"sessiontype": "exec", "command": "sh", "version": ""}  # this is no release of OpenSSH
COMMAND = "ProxyCommand"
AGENT = "SSH_AUTH_SOCK"
Handler = Callable[[Any, str, list[str]], None]
DEEPEST = 16  # files that include each other (readconf.c, READCONF_MAX_DEPTH)
TO_THE_END = ("ProxyCommand", "KnownHostsCommand")


def handlers() -> dict[str, tuple[str, Handler]]:
    """What reads each keyword, by its name in small letters."""
    known: dict[str, tuple[str, Handler]] = {
        keyword: found for keyword, found in _ORIGINAL.items() if keyword not in UNUSED
    }
    known |= {name.lower(): (name, SSHClientConfig._set_string) for name in MORE}
    known |= {name.lower(): (name, _command) for name in TO_THE_END}
    own: dict[str, Handler] = {
        "Host": _host,
        "Match": _match,
        "Include": _include,
        "Port": _port,
        "IdentityFile": _identity_file,
        "IdentityAgent": _identity_agent,
        "PubkeyAuthentication": _public_key,
        "ProxyJump": _jump,
        "HashKnownHosts": SSHClientConfig._set_bool,
    }
    known["pkcs11provider"] = (PKCS11, SSHClientConfig._set_string)
    return known | {name.lower(): (name, handler) for name, handler in own.items()}


_ORIGINAL: dict[str, tuple[str, Handler]] = dict(SSHClientConfig._handlers)


def expanded(config: Any, value: str) -> str:
    """A value with its tokens (ssh_config(5), TOKENS) and variables. Raises ConfigParseError for an unknown one."""
    config._set_tokens()
    return str(config._expand_val(value))


def _host(config: Any, option: str, args: list[str]) -> None:
    """Patterns are apart by spaces; a comma is one of their letters (readconf.c, process_config_line)."""
    found = [pattern for pattern in args if WildcardPattern(pattern.removeprefix("!")).matches(config.place)]
    config._matching = bool(found) and not any(pattern.startswith("!") for pattern in found)
    args.clear()


def _include(config: Any, option: str, args: list[str]) -> None:
    """Files in the order of their names, hidden ones only where they are named (glob(3))."""
    place = config._path, config._line_no
    if config.depth == DEEPEST:
        config._error("too many files include each other")
    config.depth += 1
    for pattern in args:
        whole = os.path.join(config.folder, os.path.expanduser(expanded(config, pattern)))
        for path in filter(os.path.isfile, sorted(glob.glob(whole))):
            config.parse(Path(path))
    config.depth -= 1
    config._path, config._line_no = place
    config._matching = True
    args.clear()


def _match(config: Any, option: str, args: list[str]) -> None:
    """Criteria that asyncssh does not know are judged here, and commands get their tokens."""
    left = args.copy()
    args.clear()
    kept: list[str] = []
    while left:
        name = left.pop(0)
        plain = name.lstrip("!").lower()
        if plain in ALONE or not left:
            kept.append(name)
        elif plain == "exec":
            kept += [name, expanded(config, left.pop(0))]
        elif plain in OURS:
            if WildcardPatternList(left.pop(0)).matches(OURS[plain]) == name.startswith("!"):
                kept = ["!all"]
                break
        else:
            value = left.pop(0)
            kept += [name, value.lower() if plain in NAMES else value]
    _ORIGINAL["match"][1](config, option, kept or ["all"])


def _port(config: Any, option: str, args: list[str]) -> None:
    """A number, or the name of a service (misc.c, a2port)."""
    if not args[0].isdecimal():
        try:
            args[0] = str(socket.getservbyname(args[0], "tcp"))
        except OSError:
            pass  # asyncssh says what it is not
    _ORIGINAL["port"][1](config, option, args)


def _identity_file(config: Any, option: str, args: list[str]) -> None:
    """`none` is the name of no file; where it stands alone no default one is used (ssh.c, load_public_identity_files)."""
    known = config._options.setdefault(option, [])
    value = args.pop(0)
    if value.lower() != "none" and value not in known:
        known.append(value)


def _identity_agent(config: Any, option: str, args: list[str]) -> None:
    """A path, `none`, or the name of a variable that holds the path (ssh_config(5), IdentityAgent)."""
    value = args.pop(0)
    name = AGENT if value == AGENT else value[1:] if value.startswith("$") and not value.startswith("${") else ""
    chosen = os.environ.get(name) if name else value
    config._options.setdefault(option, None if not chosen or chosen.lower() == "none" else chosen)


def _public_key(config: Any, option: str, args: list[str]) -> None:
    """Also `unbound` and `host-bound`, which only say how."""
    if args[0].lower() in ("unbound", "host-bound"):
        args[0] = "yes"
    _ORIGINAL["pubkeyauthentication"][1](config, option, args)


def _command(config: Any, option: str, args: list[str]) -> None:
    """To the end of the line, which is one word here: see `words`."""
    value = args.pop(0)
    config._options.setdefault(option, None if value.lower() == "none" else value)


def _jump(config: Any, option: str, args: list[str]) -> None:
    """One beside ProxyCommand holds where it comes first, and then alone (readconf.c, parse_jump)."""
    value, known = args.pop(0), config._options
    if value.lower() == "none":
        known.setdefault(option, None)
    elif not known.keys() & {option, COMMAND}:
        known |= {option: value, COMMAND: None}
