"""The full name of a host (ssh_config(5), CanonicalizeHostname; ssh.c, resolve_canonicalize)."""

from __future__ import annotations

import ipaddress
import socket
from functools import partial
from typing import Any

from asyncssh.config import ConfigParseError
from asyncssh.pattern import WildcardPatternList

from anywhere.threads import within

MOST_DOTS = 1  # CanonicalizeMaxDots where it is not set


def canonical(config: Any, name: str, seconds: float) -> str:
    """The name under the first of CanonicalDomains that knows it; the name itself where none does, or none is asked.

    Raises ConfigParseError where that is not allowed (CanonicalizeFallbackLocal no).
    """
    through = config.get("ProxyJump") or config.get("ProxyCommand")
    if _is_address(name) or (through and config.get("CanonicalizeHostname") != "always"):
        return name
    if name.endswith("."):
        return name[:-1]
    if name.count(".") > int(config.get("CanonicalizeMaxDots", MOST_DOTS)):
        return name
    for domain in config.get("CanonicalDomains") or ():
        if found := _known(f"{name}.{domain}", seconds):
            return _followed(config, f"{name}.{domain}".lower(), found)
    if config.get("CanonicalizeFallbackLocal", True):
        return name
    raise ConfigParseError(f"no domain of CanonicalDomains knows {name} (CanonicalizeFallbackLocal no)")


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name.partition("%")[0]))
    except ValueError:
        return False


def _known(name: str, seconds: float) -> str:
    """The name at the end of its CNAMEs; empty where it has no address. The dot keeps search domains out."""
    ask: Any = partial(socket.getaddrinfo, f"{name}.", 0, 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
    try:
        return str(within(seconds, ask)[0][3] or name).rstrip(".").lower()
    except socket.gaierror:
        return ""


def _followed(config: Any, name: str, target: str) -> str:
    """Where a CNAME may be followed (CanonicalizePermittedCNAMEs), its target."""
    for rule in config.get("CanonicalizePermittedCNAMEs") or ():
        source, _, targets = rule.partition(":")
        if (
            target != name
            and WildcardPatternList(source).matches(name)
            and WildcardPatternList(targets).matches(target)
        ):
            return target
    return name
