"""How a Go program resolves a name here, where that differs from the C library: nsswitch.conf, hosts file, resolv.conf, EDNS.

Sources: Go net conf.go (hostLookupOrder), nss.go, hosts.go, dnsconfig_unix.go, dnsclient_unix.go; ecs-init/docker (the agent's
container has the host's hosts file and resolv.conf, and no nsswitch.conf).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from anywhere.facts.files import Access, read_text
from anywhere.facts.network.lookup import Lookup
from anywhere.facts.network.resolv_conf import RESOLV_CONF, _address, pins
from anywhere.frozen import frozen
from anywhere.hosts.base import Answer, Host
from anywhere.hosts.recording import once_a_run
from anywhere.model import Reason

NSSWITCH = "/etc/nsswitch.conf"
FILES, DNS = "files", "dns"
MOST = 3  # nameservers that Go asks, as the C library
USUAL = (FILES, DNS)
WITHOUT_EDNS, WITHOUT_TCP = "answers no question with EDNS", "answers no question over TCP"


@frozen
class GoNames:
    """What Go reads: the order of sources on the host, which the agent's container does not know, and the nameservers.

    `usual` is whether the C library reads the same, so that the system's own answer stands for Go's."""

    order: tuple[str, ...] = USUAL
    servers: tuple[str, ...] = ()
    usual: bool = True
    usual_in_container: bool = True

    def differs_for(self, host: Host, component: str, name: str) -> bool:
        """Whether this component's own reading of a name has to be followed; what installs asks by the C library."""
        if component == "installer":
            return False
        usual = self.usual_in_container if component == "ecs-agent" else self.usual
        return not usual or _is_number(name) or _is_pinned_otherwise(host, name.lower())

    def answer(self, host: Host, found: Lookup, component: str) -> Answer:
        """What this component gets for the name, from the files and from each nameserver's own answer."""
        order = USUAL if component == "ecs-agent" else self.order
        name = found.name.lower().rstrip(".")
        pinned = tuple(pin.address for pin in pins(host, (name,)) or () if pin.to_go)
        for source in order:
            if source == FILES and pinned:
                return Answer(found.name, "hosts file", pinned)
            if source == DNS and (answer := decide(found, self.servers)).addresses:
                return answer
        return decide(found, self.servers) if DNS in order else Answer(found.name, FILES, (), Reason.NAME_UNKNOWN)


def _is_pinned_otherwise(host: Host, name: str) -> bool:
    """Whether Go and the C library read different addresses for a name in the hosts file."""
    found = pins(host, (name,)) or ()
    return [one.address for one in found if one.to_go] != [one.address for one in found if one.to_libc]


_BLANKS = " \t\n\r"
_SOURCE = re.compile(r"[a-z0-9_-]+")
_WORD = re.compile(r"[ \t\n\r]*+([^ ]+)(?:[ \t\n\r]*+\[([^\]]*)(\]?))?")
_PART = r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)"
_NUMBERS = re.compile(rf"{_PART}(?:\.{_PART}){{0,3}}")


def _is_number(name: str) -> bool:
    """Whether the C library takes a name for an address (`10.1.80`, `0x0a000050`), which Go looks up as a name."""
    return bool(_NUMBERS.fullmatch(name)) and not _address(name)


@once_a_run
def go_names(host: Host) -> GoNames:
    """What Go programs on this host read."""
    text = read_text(host, NSSWITCH)
    order, plain = read_order(text.content) if text.access is Access.READ else (USUAL, True)
    resolv = read_text(host, RESOLV_CONF).content
    servers, same = read_servers(resolv)
    usual = order == USUAL and plain and same
    return GoNames(order, servers, usual, usual)


def read_order(text: str) -> tuple[tuple[str, ...], bool]:
    """The sources that Go uses, in their order, and whether the C library reads the same.

    Without the C library every source that Go does not know is DNS, unless `dns` itself is named; a file that it cannot
    read as a whole counts for nothing (net/conf.go, hostLookupOrder).
    """
    try:
        sources, same = _sources(text)
    except ValueError:
        return USUAL, False
    if not sources:
        return USUAL, same
    is_named = DNS in sources
    known = dict.fromkeys(one if one in USUAL else DNS for one in sources if one in USUAL or not is_named)
    return tuple(known), same and (is_named or DNS not in known)


def _sources(text: str) -> tuple[list[str], bool]:
    """The sources of all `hosts` lines, and whether none has a condition, is a word to Go alone, which parts them at blanks
    and knows capital letters (net/nss.go, parseNSSConf), or is empty, which to the C library is no source at all. Raises
    ValueError."""
    found: list[str] = []
    same = True
    for line in text.split("\n"):
        database, colon, rest = line.partition("#")[0].strip(_BLANKS).partition(":")
        if not colon and database:
            raise ValueError("no colon on line")
        is_wanted = database.strip(_BLANKS) == "hosts"
        same = same and not (is_wanted and not rest.strip(_BLANKS))
        for one in _WORD.finditer(rest):
            source, condition, end = one.groups()
            if condition is not None and not (end and all(map(_is_criterion, condition.split()))):
                raise ValueError("invalid criteria")
            if is_wanted:
                found.append(source)
                same = same and condition is None and bool(_SOURCE.fullmatch(source))
    return found, same


def _is_criterion(word: str) -> bool:
    return "=" in word and len(word.removeprefix("!")) >= 3


_NO_ATTEMPT = re.compile(r"attempts:0*+(?![0-9]).*")


def read_servers(text: str) -> tuple[tuple[str, ...], bool]:
    """The nameservers as Go reads resolv.conf, and whether the C library does the same with them: for Go a carriage return
    is a blank, a line may start with blanks, and `attempts:0` is one attempt, not none (net/dnsconfig_unix.go)."""
    servers, same = [], True
    for line in text.split("\n"):
        words = line.split()
        same = same and not (words[:1] == ["options"] and any(map(_NO_ATTEMPT.fullmatch, words)))
        if len(words) > 1 and words[0] == "nameserver" and (address := _address(words[1])):
            servers.append(address)
            same = same and "\r" not in line and not line[0].isspace()
    return tuple(servers[:MOST]), same


def decide(found: Lookup, servers: Sequence[str], without_edns: Sequence[str] = ()) -> Answer:
    """The answer of the first nameserver that gives one: addresses, or the word that there is no such name."""
    by_server = {answer.source: answer for answer in found.servers}
    last = Answer(found.name, "", (), Reason.NAMESERVER_TIMEOUT, "no nameserver answers")
    for server in servers:
        answer = by_server.get(server)
        if answer is None:
            continue
        if server in without_edns:
            last = replace(answer, addresses=(), reason=Reason.SERVER_FAILURE, detail=WITHOUT_EDNS)
            continue
        if answer.addresses or answer.reason is Reason.NAME_UNKNOWN:
            return answer
        last = answer
    return last


def plain_servers(lookups: Sequence[Lookup]) -> tuple[str, ...]:
    """The nameservers that answer questions without EDNS alone; packets that were lost make one name look so, not most."""
    answers = [answer for one in lookups for answer in one.servers if answer.addresses]
    seen = dict.fromkeys(answer.source for answer in answers)
    return tuple(
        server
        for server in seen
        if 2 * sum(a.plain for a in answers if a.source == server) > sum(a.source == server for a in answers)
    )
