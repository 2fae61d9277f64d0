"""Keywords of ssh_config that asyncssh reads otherwise than OpenSSH, or refuses (readconf.c; ssh_config(5))."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Callable
from typing import Any

import asyncssh
from asyncssh.config import SSHClientConfig
from asyncssh.pattern import WildcardPatternList

from anywhere.hosts.ssh.settings.own_addresses import own_addresses
from anywhere.hosts.ssh.settings.words import EQUALS

# Not for us: our own limits on time hold, and nothing is run but what we run. asyncssh refuses times such as 1m.
UNUSED = ("connecttimeout", "serveraliveinterval", "serveralivecountmax", "tcpkeepalive", "requesttty", "remotecommand")
ALONE = ("all", "canonical", "final")
OURS = {"sessiontype": "exec", "command": "sh", "version": ""}  # this is no release of OpenSSH
COMMAND = "ProxyCommand"
AGENT = "SSH_AUTH_SOCK"
Handler = Callable[[Any, str, list[str]], None]


def bound() -> None:
    """From now on asyncssh reads these keywords as below. May be called again."""
    known: dict[str, tuple[str, Handler]] = dict(_ORIGINAL)
    for keyword in UNUSED:
        known.pop(keyword, None)
    known["match"] = ("Match", _match)
    known["port"] = ("Port", _port)
    known["identityagent"] = ("IdentityAgent", _identity_agent)
    known["pubkeyauthentication"] = ("PubkeyAuthentication", _public_key)
    known |= {"proxycommand": (COMMAND, _command), "proxyjump": ("ProxyJump", _jump)}
    vars(asyncssh.config)["_ifaddr_available"] = True
    vars(asyncssh.config)["_get_local_ips"] = own_addresses
    SSHClientConfig._handlers = known


_ORIGINAL: dict[str, tuple[str, Handler]] = dict(SSHClientConfig._handlers)


def expanded(config: Any, value: str) -> str:
    """A value with its tokens (ssh_config(5), TOKENS) and variables. Raises ConfigParseError for an unknown one."""
    config._set_tokens()
    host = config._tokens["h"]
    config._tokens |= {"k": config.get("HostKeyAlias") or host, "j": config.get("ProxyJump") or ""}
    return str(config._expand_val(value))


def _match(config: Any, option: str, args: list[str]) -> None:
    """Criteria that asyncssh does not know are judged here, and commands get their tokens."""
    left = [word.replace(EQUALS, "=") for word in args]
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
            kept += [name, left.pop(0)]
    _ORIGINAL["match"][1](config, option, kept or ["all"])


def _port(config: Any, option: str, args: list[str]) -> None:
    """A number, or the name of a service (misc.c, a2port)."""
    if not args[0].isdecimal():
        try:
            args[0] = str(socket.getservbyname(args[0], "tcp"))
        except OSError:
            pass  # asyncssh says what it is not
    _ORIGINAL["port"][1](config, option, args)


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
    value = "".join(shlex.split(args.pop(0)))
    config._options.setdefault(option, None if value.lower() == "none" else value)


def _jump(config: Any, option: str, args: list[str]) -> None:
    """One beside ProxyCommand holds where it comes first, and then alone (readconf.c, parse_jump)."""
    value, known = args.pop(0), config._options
    if value.lower() == "none":
        known.setdefault(option, None)
    elif not known.keys() & {option, COMMAND}:
        known |= {option: value, COMMAND: None}
