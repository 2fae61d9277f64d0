"""One name asked of everyone who could answer: the system's resolver and each nameserver by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from threading import Event

from anywhere.errors import NotRecorded
from anywhere.facts.network.resolv_conf import resolv_conf
from anywhere.frozen import frozen
from anywhere.hosts.base import RANDOM_LABEL, Answer, Host, Query
from anywhere.hosts.recording import Recording
from anywhere.model import Reason
from anywhere.threads import fan_out, race

# Seconds of one try: what a question without patience waits, and the most that a patient one does (Go net dnsconfig_unix.go:
# 5 by default, the same as the C library).
USUAL_WAIT, LONGEST_TRY = 2, 10
SYSTEM_LEAD = 1.2  # seconds that the system's resolver may take before a nameserver's own answer is used
HEAD_START = (
    0.1  # seconds by which the nameservers are asked later: the connections to what the system found come first
)


@frozen
class Lookup:
    """A name, what the system's resolver said, and what each nameserver said when asked directly. `own` is what the
    program that connects makes of it by its own rules, None where these are the system's."""

    name: str
    system: Answer
    servers: tuple[Answer, ...]
    own: Answer | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where to connect: the system's answer, or a nameserver's own where the system took too long."""
        if self.own is not None:
            return self.own.addresses
        own = next((answer.addresses for answer in self.servers if answer.addresses), ())
        late = self.system.seconds > SYSTEM_LEAD or self.system.reason is Reason.NAMESERVER_TIMEOUT
        return own if late and own else self.system.addresses

    @property
    def reason(self) -> Reason | None:
        """Why there is no address: the system's word, made precise by the nameservers' own."""
        if self.addresses:
            return None
        if self.own is not None:
            return self.own.reason
        if self.servers and self.system.reason is not Reason.NAME_UNKNOWN:
            reasons = [answer.reason for answer in self.servers if answer.reason]
            order = (Reason.SERVER_FAILURE, Reason.NAME_UNKNOWN, Reason.NAMESERVER_TIMEOUT)
            return next((reason for reason in order if reason in reasons), self.system.reason)
        return self.system.reason

    @property
    def late(self) -> bool:
        """Whether nobody had the time to answer: then there being no address says nothing."""
        silent = [answer for answer in (self.system, *self.servers) if answer.reason is Reason.NAMESERVER_TIMEOUT]
        return not self.addresses and bool(silent) and all(answer.late for answer in silent)

    @property
    def known(self) -> bool:
        """Whether the name exists by itself: a nameserver's word counts, a search domain's wildcard does not."""
        if any(answer.addresses for answer in self.servers) or (self.own is not None and self.own.addresses):
            return True
        denied = [answer for answer in self.servers if answer.reason is Reason.NAME_UNKNOWN]
        return bool(self.system.addresses) and not denied


def lookup(host: Host, name: str, servers: Sequence[str], patience: float = 0.0) -> Lookup:
    """Ask everyone at once and wait for all. Every answer is bounded in time by the host; with `patience` those who were
    silent are asked once more, with the time that the resolvers of Go and of C give a try."""
    found = _lookup(host, name, servers)
    wait = float(min(resolv_conf(host).one_try, LONGEST_TRY))
    if not patience or found.reason is not Reason.NAMESERVER_TIMEOUT or found.late or wait <= USUAL_WAIT:
        return found
    silent = {one.source for one in found.servers if one.reason is Reason.NAMESERVER_TIMEOUT}
    host.deadline.grow(patience)
    queries = [Query(name, server, wait, resolv_conf(host).use_vc) for server in servers if server in silent]
    try:
        longer = fan_out([partial(host.resolve, query) for query in queries])
    except NotRecorded:  # a bundle of a version that did not wait
        return found
    slow = {one.source: one for one in longer if one.reason is not Reason.NAMESERVER_TIMEOUT}
    return replace(found, servers=tuple(slow.get(one.source, one) for one in found.servers))


def _lookup(host: Host, name: str, servers: Sequence[str]) -> Lookup:
    queries = [Query(name, server) for server in ("", *servers)]
    there = [query for query in queries if _is_there(host, query)]
    for query in there:
        host.resolve(query)  # first: a nameserver's answer is weighed against the system's
    fan_out([partial(host.resolve, query) for query in queries if query not in there])
    answers = [host.resolve(query) for query in queries]
    return Lookup(name, answers[0], tuple(answers[1:]))


def announce(host: Host, names: Sequence[str], servers: Sequence[str]) -> None:
    """Let a host that gathers ahead begin with these names."""
    if isinstance(host, Recording):
        host.announce(tuple(dict.fromkeys(names)), servers, HEAD_START)


def _is_there(host: Host, query: Query, seconds: float = 0.0) -> bool:
    return isinstance(host, Recording) and host.has(query, seconds)


def first_addresses(host: Host, name: str, servers: Sequence[str]) -> tuple[str, ...]:
    """`lookup(...).addresses` as soon as they are certain; slower nameservers are still being asked meanwhile."""

    def enough(results: dict[int, Answer], seconds: float) -> bool:
        if 0 in results and (results[0].addresses or results[0].reason is not Reason.NAMESERVER_TIMEOUT):
            return True
        # The system's silence is no answer either: then a nameserver's own word counts, when it is there.
        return (0 in results or seconds > SYSTEM_LEAD) and any(answer.addresses for answer in results.values())

    left = host.deadline.left()
    if _is_there(host, Query(name), SYSTEM_LEAD) and enough(known := {0: host.resolve(Query(name))}, 0.0):
        return known[0].addresses
    waited = max(0.0, left - host.deadline.left())
    results = race(_calls(host, name, servers), lambda found, seconds: enough(found, seconds + waited))
    if 0 in results and (results[0].addresses or results[0].reason is not Reason.NAMESERVER_TIMEOUT):
        return results[0].addresses
    return next((answer.addresses for _, answer in sorted(results.items()) if answer.addresses), ())


def _calls(host: Host, name: str, servers: Sequence[str]) -> list[Callable[[], Answer]]:
    """The system's resolver, and each nameserver a little later, unless the system has no address."""
    failed = Event()

    def system() -> Answer:
        answer = host.resolve(Query(name))
        if not answer.addresses:
            failed.set()
        return answer

    def direct(server: str) -> Answer:
        failed.wait(HEAD_START)
        return host.resolve(Query(name, server))

    return [system, *(partial(direct, server) for server in servers)]


def random_name(region: str, suffix: str) -> str:
    """A name under the region's suffix that cannot exist."""
    return f"{RANDOM_LABEL}.{region}.{suffix}"
