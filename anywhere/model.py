"""The data that all layers share: findings, causes, targets and the report. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from anywhere.frozen import frozen


class Status(StrEnum):
    """How one finding was judged. ERROR means it could not be judged: never a pass, never a fail."""

    PASS = "pass"
    SKIP = "skip"
    WARN = "warn"
    ERROR = "error"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """0 for the best, 4 for the worst; reports show the worst last."""
        return _RANK[self]


_RANK = {status: rank for rank, status in enumerate(Status)}


class Verdict(StrEnum):
    """The answer for one target, or for a whole run."""

    READY = "ready"
    WARNINGS = "ready-with-warnings"
    UNKNOWN = "unknown"
    NOT_READY = "not-ready"

    @classmethod
    def of(cls, statuses: Iterable[Status]) -> Verdict:
        """The verdict that these findings add up to: one fail is not ready, one error without a fail is unknown."""
        seen = set(statuses)
        for status, verdict in ((Status.FAIL, cls.NOT_READY), (Status.ERROR, cls.UNKNOWN), (Status.WARN, cls.WARNINGS)):
            if status in seen:
                return verdict
        return cls.READY


class Stage(StrEnum):
    """How far a probe came; DONE when it passed every stage."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    PROXY = "proxy"
    TLS = "tls"
    HTTP = "http"
    DONE = "done"


class Reason(StrEnum):
    """Why a probe failed. The complete list is part of the report schema."""

    NO_NAMESERVER = "no-nameserver"
    NAMESERVER_TIMEOUT = "nameserver-timeout"
    SERVER_FAILURE = "server-failure"
    NAME_UNKNOWN = "name-unknown"
    BOGUS_ANSWER = "bogus-answer"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_PERMITTED = "not-permitted"
    PROXY_UNREACHABLE = "proxy-unreachable"
    PROXY_AUTH_REQUIRED = "proxy-auth-required"
    PROXY_DENIED = "proxy-denied"
    PROXY_ERROR = "proxy-error"
    NOT_TLS = "not-tls"
    TLS_TIMEOUT = "tls-timeout"
    TLS_RESET = "tls-reset"
    TLS_VERSION = "tls-version"
    CERT_UNTRUSTED = "cert-untrusted"
    CERT_NAME = "cert-name"
    CERT_EXPIRED = "cert-expired"
    CERT_NOT_YET_VALID = "cert-not-yet-valid"
    HTTP_TIMEOUT = "http-timeout"
    HTTP_ERROR = "http-error"
    UPGRADE_REFUSED = "upgrade-refused"
    CAPTIVE_PORTAL = "captive-portal"


# Edits a file in place, also behind a link: without the option sed puts a file in the place of the link (GNU sed manual, -i
# and --follow-symlinks), and what manages the file that the link names no longer reaches this host.
EDIT: tuple[str, ...] = ("sed", "-i", "--follow-symlinks")


@frozen
class Remedy:
    """How to fix something: a sentence for a person, and the commands as argument lists.

    `commands` change something: when they have run in this order, the fault is gone. `ask` is the request to another team
    where this host cannot fix it; `look` are commands that only show more. `where` has for each command the host whose
    shell runs it (an empty string: the machine that this program runs on), and `look_where` the same for `look`; both are
    empty where all commands run here.
    """

    text: str
    commands: tuple[tuple[str, ...], ...] = ()
    where: tuple[str, ...] = ()
    ask: str = ""
    look: tuple[tuple[str, ...], ...] = ()
    look_where: tuple[str, ...] = ()


@frozen
class Finding:
    """One observation, judged.

    `check` is the id of the check (`topic.slug`), `subject` what was looked at. `seconds` is how long the observation
    took. `cause` names the cause code where the check itself knows it; findings about the network leave it empty, and
    the diagnosis finds the cause from all of them together. It is not part of the JSON report.
    """

    check: str
    status: Status
    subject: str
    summary: str
    stage: Stage | None = None
    reason: Reason | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    remedy: Remedy | None = None
    seconds: float = 0.0
    cause: str = ""

    @property
    def is_trouble(self) -> bool:
        """Whether a cause has to explain this finding."""
        return self.status in (Status.FAIL, Status.WARN)


@frozen
class Cause:
    """What to fix: explains the findings at these positions of its target's list."""

    code: str
    severity: Status
    summary: str
    subjects: tuple[str, ...]
    remedy: Remedy
    findings: tuple[int, ...]


@frozen
class Target:
    """Everything known about one host or one document. `started` is UTC in ISO 8601, `seconds` is wall time,
    `reach` the options with which this program reaches the host again (empty: this machine)."""

    name: str
    kind: str = "host"
    started: str = ""
    seconds: float = 0.0
    facts: Mapping[str, object] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    findings: Sequence[Finding] = ()
    reach: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict over this target's findings."""
        return Verdict.of(self.statuses)

    @property
    def statuses(self) -> frozenset[Status]:
        """The statuses of its findings. Packed findings keep them beside the packed data."""
        kept: frozenset[Status] | None = getattr(self.findings, "statuses", None)
        return frozenset(finding.status for finding in self.findings) if kept is None else kept


@frozen
class Report:
    """The result of one run over one or many targets."""

    targets: tuple[Target, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any target."""
        return Verdict.of(status for target in self.targets for status in target.statuses)

    def exit_code(self, strict: bool = False) -> int:
        """0 ready, 1 not ready (with `strict`: or warnings), 3 could not judge."""
        verdict = self.verdict
        if verdict is Verdict.NOT_READY:
            return 1
        if strict and any(Status.WARN in target.statuses for target in self.targets):
            return 1
        return 3 if verdict is Verdict.UNKNOWN else 0
