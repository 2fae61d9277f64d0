"""Names as the far side sees them: its own resolver by getent, its nameservers over TCP through a channel.

UDP cannot pass through SSH. Where TCP alone does not tell (no answer, or the host's own resolver fails although TCP
works), the host itself sends the datagrams: bash can. Without bash `Answer.tcp_reason` says that UDP was not seen.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from anywhere.hosts.base import Answer
from anywhere.hosts.bounds import kept_addresses
from anywhere.hosts.ssh import script
from anywhere.hosts.ssh.batch import KILLED
from anywhere.hosts.ssh.names.coalesce import Slot, Together
from anywhere.hosts.ssh.names.dns import DATAGRAM, Datagrams, Stream
from anywhere.hosts.ssh.names.edns import Samples
from anywhere.hosts.ssh.names.records import run_records
from anywhere.hosts.ssh.names.several import SOON, divided, planned
from anywhere.hosts.ssh.shell import Shell
from anywhere.model import Reason
from anywhere.threads import Latch

LONGEST = 6.5 + SOON  # seconds that getent may take
QUICK = 0.35  # seconds: a refusal this fast may be asked once more without holding up sshd
PATIENT = 0.6  # seconds that a nameserver's answer waits for the system's, to see whether the two agree
UNSEEN = "UDP/53 is not visible over SSH, because the host has no bash to send a datagram with"
FAILS = (Reason.NAMESERVER_TIMEOUT, Reason.SERVER_FAILURE)
GETENT = "getent found nothing"
# What glibc and musl say of a name without an address.
UNKNOWN = ("Name or service not known", "No address associated with hostname", "Name does not resolve")
Dial = Callable[[str, int, float], socket.socket]


class SystemNames:
    """The system's resolver: all names of one moment by one command."""

    def __init__(self, shell: Shell, dial: Dial) -> None:
        self._shell, self._dial = shell, dial
        self._together: Together[Answer] = Together(self._work)
        self._answers: dict[str, Answer] = {}
        self._adding = threading.Lock()
        self._known: defaultdict[str, Latch] = defaultdict(Latch)
        self.samples = Samples()

    def announce(self, names: Sequence[str]) -> None:
        """Begin to ask for these names."""
        self._together.announce(names)

    def has(self, name: str, seconds: float) -> bool:
        """Whether the answer for a name that was announced is there within so many seconds."""
        return self._together.known(name, seconds) is not None

    def ask(self, name: str, seconds: float) -> Answer:
        """The addresses of a name, or why there are none."""
        answer = self._together.ask(name, seconds)
        if answer is None:
            answer = Answer(name, "system", (), Reason.NAMESERVER_TIMEOUT, "no answer", seconds=seconds)
        elif answer.reason is Reason.NAME_UNKNOWN:
            answer = self._why(answer)
        self._answers[name] = answer
        self._of(name).open()
        return answer

    def answer(self, name: str, seconds: float) -> Answer | None:
        """What was said of a name; None when that is not known within so many seconds."""
        self._of(name).wait(seconds)
        return self._answers.get(name)

    def _of(self, name: str) -> Latch:
        """Each name has its own: whoever waits for another is not woken."""
        with self._adding:
            return self._known[name]

    def _work(self, slots: Sequence[Slot[Answer]]) -> None:
        names = list(dict.fromkeys(slot.question for slot in slots))
        plan = planned(names)
        began = dict.fromkeys(names, time.monotonic())
        unclear: list[str] = []

        def answered(key: str, rc: int, text: str) -> None:
            if self.samples.learn(key, rc, text):
                return
            group = plan.of(key) if plan else ()
            if not group:
                _settle(slots, _answer(key, rc, text, time.monotonic() - began.get(key, 0.0)))
            elif rc:  # each of them is asked by itself from now on
                began.update(dict.fromkeys(group, time.monotonic()))
            elif parts := divided(group, text):
                for name, own in parts.items():
                    _settle(slots, _answer(name, 0, own, time.monotonic() - began[name]))
            else:
                unclear.extend(group)

        lines = plan.lines if plan else [script.name_line(name) for name in names]
        samples = self.samples.lines(names)
        try:
            run_records(self._shell, lines + samples, LONGEST, answered)
        finally:
            if samples:
                self.samples.over()
        if unclear:
            began.update(dict.fromkeys(unclear, time.monotonic()))
            run_records(self._shell, [script.name_line(name) for name in unclear], LONGEST, answered)

    def _why(self, answer: Answer) -> Answer:
        """getent does not say why it found nothing. bash does; without it, sshd when it is to connect to a name
        (gai_strerror): only then, because sshd does nothing else while it looks a name up."""
        if answer.detail != GETENT:
            return answer
        unsure = replace(answer, reason=Reason.SERVER_FAILURE, detail="getent found nothing, and does not say why")
        if answer.seconds > QUICK:
            return unsure
        try:
            self._dial(answer.name, 443, QUICK).close()
        except socket.gaierror as error:
            reason = Reason.SERVER_FAILURE if error.errno == socket.EAI_AGAIN else Reason.NAME_UNKNOWN
            return replace(answer, reason=reason, detail=error.strerror or "")
        except OSError:
            return unsure
        return unsure


def _settle(slots: Sequence[Slot[Answer]], answer: Answer) -> None:
    for slot in slots:
        if slot.question == answer.name:
            slot.set(answer)


def _answer(name: str, rc: int, text: str, seconds: float) -> Answer:
    """`10.0.0.1 STREAM name` and so on, each address three times; or why there is none, in gai_strerror's words."""
    lines = (line.split()[0].partition("%")[0] for line in text.splitlines() if line.strip() and not rc)
    addresses = tuple(dict.fromkeys(lines))
    if addresses:
        addresses, detail = kept_addresses(addresses)
        return Answer(name, "system", addresses, detail=detail, seconds=seconds)
    if rc in (KILLED, 124):
        return Answer(name, "system", (), Reason.NAMESERVER_TIMEOUT, "no answer", seconds=seconds)
    if rc in (126, 127):
        return Answer(name, "system", (), Reason.NOT_PERMITTED, "the host has no getent", seconds=seconds)
    if not text.strip():
        return Answer(name, "system", (), Reason.NAME_UNKNOWN, GETENT, seconds=seconds)
    unknown = next((words for words in UNKNOWN if words in text), "")
    reason = Reason.NAME_UNKNOWN if unknown else Reason.SERVER_FAILURE
    said = text.splitlines()[0].rpartition(": ")[2]
    return Answer(name, "system", (), reason, unknown or f"getent found nothing: {said}", seconds=seconds)


class ServerNames:
    """One nameserver: all names of one moment over one connection, and by datagrams what that leaves open."""

    def __init__(self, server: str, shell: Shell, dial: Dial, system: SystemNames) -> None:
        self._server, self._system = server, system
        self._stream: Together[Answer] = Together(Stream(server, dial).work)
        self._datagrams: Together[Answer] = Together(Datagrams(server, shell, self._is_plain).work)
        self._alone = Stream(server, dial).alone

    def announce(self, names: Sequence[str]) -> None:
        """Begin to ask for these names."""
        self._stream.announce(names)

    def has(self, name: str) -> bool:
        """Whether all is there for a name that was announced, so that no datagram is needed either."""
        tcp, own = self._stream.known(name, 0), self._system.answer(name, 0)
        if tcp is None or own is None or own.reason in FAILS or tcp.reason is Reason.NAMESERVER_TIMEOUT:
            return False
        return self._system.samples.tells(self._server)

    def ask(self, name: str, seconds: float) -> Answer:
        """A and AAAA of a name, and whether only the old form of questions gets them."""
        end = time.monotonic() + seconds
        answer = self._ask(name, end)
        if not answer.addresses:
            return answer
        samples = self._system.samples
        plain = samples.is_plain(self._server, max(0.0, end - time.monotonic()))
        return replace(answer, plain=plain, unseen="" if samples.visible else UNSEEN)

    def _is_plain(self) -> bool:
        return self._system.samples.is_plain(self._server, 0.0)

    def _ask(self, name: str, end: float) -> Answer:
        # Some servers close after one query, or answer in order and stick at a slow one: then each name by itself.
        tcp = self._stream.ask(name, max(0.0, end - time.monotonic()))
        tcp = tcp or self._alone(name, max(0.1, end - time.monotonic()))
        if tcp.reason is Reason.NOT_PERMITTED:
            return tcp
        own = self._system.answer(name, min(PATIENT, max(0.0, end - time.monotonic())))
        fails = own is None or own.reason in FAILS
        if tcp.reason is Reason.SERVER_FAILURE or (tcp.reason is not Reason.NAMESERVER_TIMEOUT and not fails):
            return tcp
        udp = self._datagrams.ask(name, DATAGRAM)
        return unseen(tcp) if udp is None else joined(udp, tcp)


def unseen(tcp: Answer) -> Answer:
    """Where the system's resolver has no answer and TCP gives one: how datagrams fare is not known, and TCP does not
    stand for them."""
    if tcp.reason is Reason.NAMESERVER_TIMEOUT:
        return replace(tcp, detail=f"TCP/53 gives {tcp.tcp_reason or tcp.reason}; {UNSEEN}")
    return replace(tcp, addresses=(), reason=Reason.NOT_PERMITTED, detail=f"TCP/53 answers; {UNSEEN}")


def joined(udp: Answer, tcp: Answer) -> Answer:
    """What a stub resolver makes of both: the datagram's answer, TCP's where that was cut."""
    if not udp.truncated:
        return udp
    if tcp.reason is not Reason.NAMESERVER_TIMEOUT:
        return replace(tcp, truncated=True)
    reason = None if udp.addresses else Reason.NAMESERVER_TIMEOUT
    return replace(udp, reason=reason, detail=tcp.detail, tcp_reason=tcp.tcp_reason or Reason.TIMEOUT)
