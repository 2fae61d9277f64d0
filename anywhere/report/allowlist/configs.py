"""The endpoint list as configuration: access lists for squid, address sets for nftables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from anywhere.report.allowlist.sheet import Sheet, heading

Address = IPv4Address | IPv6Address

TABLE = "anywhere_endpoints"


def squid(sheet: Sheet) -> str:
    """Squid access lists and one rule that lets CONNECT through to them.

    Names match as a whole and `*` within one label, so `ecs-a-*` lets no other name pass. `-n` keeps squid from looking
    up addresses. The file belongs before the `http_access deny all` of squid.conf.
    """
    lines = [f"# {line}" for line in heading(sheet)]
    lines += [
        "# Include this file before `http_access deny all`. Do not inspect (bump) these connections: an agent that",
        "# does not know the proxy's CA fails. ecs-a, ecs-t and ssmmessages are WebSockets: long-lived, often quiet.",
        "acl anywhere_connect method CONNECT",
        "acl anywhere_port port 443",
    ]
    used = dict.fromkeys(("names", "patterns"), False)
    for pattern in sheet.patterns:
        lines += ["", *_uses(sheet, pattern)]
        kind = "patterns" if "*" in pattern else "names"
        used[kind] = True
        lines.append(f"acl anywhere_{kind} {_squid_acl(pattern)}")
    lines.append("")
    lines += [f"http_access allow anywhere_connect anywhere_port anywhere_{kind}" for kind in used if used[kind]]
    return "\n".join(lines) + "\n"


def _squid_acl(pattern: str) -> str:
    if "*" not in pattern:
        return f"dstdomain -n {pattern}"
    return f"dstdom_regex -i -n ^{re.escape(pattern).replace(chr(92) + '*', '[^.]+').replace(chr(92) + '-', '-')}$"


def nftables(sheet: Sheet, answers: Mapping[str, tuple[str, ...]], when: str) -> str:
    """An nftables table with two sets, `ipv4` and `ipv6`, of the addresses that the names have now.

    `answers` holds the addresses by host; `when` is the time of the look-up. Loading the file again replaces the
    elements and keeps the rules of the table.
    """
    usable = {host: list(_usable(answers.get(host, ()))) for rule in sheet.rules for host in rule.hosts}
    by_address = _by_address(sheet, usable)
    lines = ["#!/usr/sbin/nft -f", *(f"# {line}" for line in heading(sheet))]
    lines += [
        f"# Addresses as they were at {when}. AWS changes them without notice, so these sets go stale: load",
        "# them again by a timer, or filter by name where the firewall can.",
        *_gaps(sheet, usable),
        f"# Use: add rule inet {TABLE} CHAIN ip daddr @ipv4 tcp dport 443 accept   (and ip6 daddr @ipv6)",
        "",
        f"table inet {TABLE} {{",
        "\tset ipv4 { type ipv4_addr; }",
        "\tset ipv6 { type ipv6_addr; }",
        "}",
        f"flush set inet {TABLE} ipv4",
        f"flush set inet {TABLE} ipv6",
    ]
    for name, family in (("ipv4", IPv4Address), ("ipv6", IPv6Address)):
        members = sorted((a for a in by_address if isinstance(a, family)), key=int)
        if members:
            lines += ["", f"add element inet {TABLE} {name} {{"]
            for address in members:
                lines += [*(f"\t# {line}" for line in by_address[address]), f"\t{address},"]
            lines.append("}")
    return "\n".join(lines) + "\n"


def _by_address(sheet: Sheet, usable: Mapping[str, list[Address]]) -> dict[Address, list[str]]:
    """Every address with the names and uses behind it."""
    found: dict[Address, list[str]] = {}
    for rule in sheet.rules:
        for host in rule.hosts:
            for address in usable[host]:
                found.setdefault(address, []).append(f"{host}: {rule.who}: {rule.why}")
    return {address: list(dict.fromkeys(lines)) for address, lines in found.items()}


def _usable(texts: tuple[str, ...]) -> Iterator[Address]:
    """A sinkhole's answer (0.0.0.0, loopback, multicast) must not open a firewall to something else."""
    for text in texts:
        try:
            address = ip_address(text)
        except ValueError:
            continue
        away = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
        # A zone (fe80::1%eth0) is free text, and never part of a public address.
        if not away and "%" not in text:
            yield address


def _gaps(sheet: Sheet, usable: Mapping[str, list[Address]]) -> Iterator[str]:
    """A line for each name that is not in the sets, in whole or in part."""
    for pattern in sheet.patterns:
        hosts = sheet.uses(pattern)[0].hosts
        missing = [host for host in hosts if not usable[host]]
        if not hosts:
            yield f"# Not in the sets, no name without an account or bucket: {pattern}"
        elif "*" in pattern and len(missing) < len(hosts):
            tried = f"{len(hosts) - len(missing)} of the first {len(hosts)} names resolved"
            yield f"# {pattern}: {tried}; AWS may use a number that was not tried, so prefer a filter by name"
        elif missing:
            yield f"# NOT IN THE SETS, no usable address: {pattern}"


def _uses(sheet: Sheet, pattern: str) -> Iterator[str]:
    for rule in sheet.uses(pattern):
        yield f"# {rule.who}: {rule.why}. Source: {rule.source}"
