"""The script that keeps the rules on a host: the shell of guard.sh under the values of this host.

It needs no Python and none of this tool on the host, so it is the same for hosts that are reached over SSH. It waits
for events of nftables and looks at the rules only after one; iptables-legacy reports no events, so there it looks itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from anywhere.changes.rules.desired import State, Wanted, goes_on_top, wanted
from anywhere.changes.rules.nftables import native_input
from anywhere.facts.firewall.firewall import NFT, Backend
from anywhere.facts.firewall.route_localnet import CREDENTIAL_ADDRESS

_HEAD = """\
#!/bin/sh
# Written by `anywhere rules apply`, removed by `anywhere rules revert`: what is edited here is lost.
"""
_BODY = Path(__file__).with_name("guard.sh").read_text("utf-8")


def guard_script(state: State) -> str:
    """The script for a host. The same state gives the same text, so that a plan can compare it with what is there."""
    return _HEAD + "".join(f"{name}={shlex.quote(value)}\n" for name, value in _values(state).items()) + _BODY


def _values(state: State) -> Mapping[str, str]:
    blocks = tuple(_blocks(state))
    has_route = not state.net.has_default and (not state.net.route or " dev lo " in f"{state.net.route} ")
    return {
        "rules": "\n".join(line for program, backend, rules in blocks for line in _lines(program, backend, rules)),
        # The monitor reports nothing of legacy; without one the other kind is silent too.
        "reported": " ".join(program for program, backend, _ in blocks if backend.name == NFT),
        "silent": " ".join(program for program, backend, _ in blocks if backend.name != NFT),
        "waits": "1" if all(backend.waits for _, backend, _ in blocks) else "",
        "native": "" if state.backend else native_input(wanted(state), state.firewall.bridge),
        "route": CREDENTIAL_ADDRESS if has_route else "",
    }


def _blocks(state: State) -> Iterator[tuple[str, Backend, tuple[Wanted, ...]]]:
    """Program, backend and rules, for each that has any."""
    if not state.backend:
        return
    every = wanted(state)
    for backend in state.firewall.backends:
        for family in (4, 6):
            rules = tuple(w for w in every if w.backend == backend.name and w.family == family)
            if rules:
                yield backend.program_for(family), backend, rules


def _lines(program: str, backend: Backend, rules: tuple[Wanted, ...]) -> Iterator[str]:
    """Last first, as rules that are inserted on top have to be."""
    for rule in reversed(rules):
        body, _, target = f"-A {rule.text}".rpartition(" -j ")
        verb = f"-I {rule.chain} 1" if goes_on_top(rule, backend) else f"-A {rule.chain}"
        yield "|".join((program, rule.table, rule.slug, body, target, f"{verb} {rule.words}"))
