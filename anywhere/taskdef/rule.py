"""What a rule is, what it sees, and the marks that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from anywhere.frozen import frozen
from anywhere.model import Status
from anywhere.taskdef.source.content import Definition, Service
from anywhere.taskdef.source.node import Node, NotKnown

EXTERNAL = "external"
EC2 = "ec2"
FARGATE = "fargate"
MANAGED = "managed-instances"
LAUNCH_TYPES = (EXTERNAL, EC2, FARGATE)
"""The launch types that most rules know."""
EVERY = (*LAUNCH_TYPES, MANAGED)
LINUX = "linux"
WINDOWS = "windows"
MODES = ("bridge", "host", "awsvpc", "none")

# An operation of a patch, in the names of the ECS API: op, pointer, value (absent for remove).
Edit = tuple[object, ...]


@frozen
class Mark:
    """What a rule says of one node. `edits` fix it; they are in the names of the ECS API until the finding is made.
    `source` is the pointer in the document where the node does not lead to it."""

    status: Status
    node: Node
    summary: str
    remedy: str = ""
    edits: tuple[Edit, ...] = ()
    evidence: dict[str, object] = field(default_factory=dict)
    source: str | None = None


@dataclass(frozen=True)
class Case:
    """A definition, or a service with its definition where that is known, to be judged for one launch type.

    `os` is what the hosts run as far as the command line says (empty: not said, which is Linux where the definition is
    silent as well); `hosts` how many there are (0: not known); `judged` the launch types of all cases of the same run.
    """

    launch: str
    definition: Definition | None
    service: Service | None = None
    os: str = ""
    hosts: int = 0
    judged: tuple[str, ...] = ()

    @property
    def node(self) -> Node:
        """The definition's root; an empty one where it is not known."""
        return self.definition.node if self.definition else Node(None)

    def takes(self, name: str) -> bool:
        """Whether the service's request has this field."""
        return self.service is None or self.service.takes(name)

    @property
    def is_update(self) -> bool:
        """Whether this is a request to update a service, which keeps what it does not name."""
        return self.service is not None and "forceNewDeployment" in self.service.fields

    @property
    def is_written(self) -> bool:
        """Whether a person wrote the service as it stands here; not so in what Terraform prints."""
        return self.service is None or self.service.place.encode is not None

    @cached_property
    def containers(self) -> list[Node]:
        """The containers of the definition."""
        return list(self.node.at("containerDefinitions").each())

    @cached_property
    def volumes(self) -> list[Node]:
        """The volumes of the definition."""
        return list(self.node.at("volumes").each())

    @cached_property
    def windows(self) -> bool:
        """Whether the containers are Windows ones: the definition's word, else that of the command line. Raises
        NotKnown."""
        family = self.node.at("runtimePlatform", "operatingSystemFamily")
        if not family.known and self.os:
            return self.os == WINDOWS
        text = family.text()
        return text.upper().startswith("WINDOWS") if text else self.os == WINDOWS

    @property
    def says_system(self) -> bool:
        """Whether the definition or the command line names an operating system."""
        return bool(self.os) or self.node.at("runtimePlatform", "operatingSystemFamily").raw is not None

    @cached_property
    def mode(self) -> str:
        """The network mode in force; unset is `bridge` on Linux, `default` on Windows, `awsvpc` on managed instances.
        Raises NotKnown."""
        text = self.node.at("networkMode").text()
        if text == "" and self.launch == MANAGED:
            return "awsvpc"
        if text in ("", "default"):
            return "default" if self.windows else "bridge"
        return text


Judge = Callable[[Case, Node], Iterator[Mark]]


@frozen
class Rule:
    """A rule as tables and documentation show it. `scope` is what `judge` is called with: each `container`, `volume`,
    the `definition` or the `service`. `fine` is the summary where nothing is wrong."""

    id: str
    title: str
    launch: tuple[str, ...]
    scope: str
    meaning: str
    fine: str
    source: str
    judge: Judge


def rule(
    id: str, title: str, *, meaning: str, fine: str, source: str, scope: str, launch: tuple[str, ...] = LAUNCH_TYPES
) -> Callable[[Judge], Rule]:
    """Make a rule of a judging generator."""
    return lambda judge: Rule(id, title, launch, scope, meaning, fine, source, judge)


def fail(node: Node, summary: str, remedy: str, *edits: Edit, **evidence: object) -> Mark:
    """It will be refused, or cannot work."""
    return Mark(Status.FAIL, node, summary, remedy, edits, evidence)


def warn(node: Node, summary: str, remedy: str, *edits: Edit, **evidence: object) -> Mark:
    """Legal, but probably not what was meant; or the sources disagree."""
    return Mark(Status.WARN, node, summary, remedy, edits, evidence)


def skip(node: Node, summary: str, **evidence: object) -> Mark:
    """The document cannot tell."""
    return Mark(Status.SKIP, node, summary, evidence={"because": summary, **evidence})


def note(node: Node, summary: str, **evidence: object) -> Mark:
    """Nothing wrong, and something worth saying."""
    return Mark(Status.PASS, node, summary, evidence=evidence)


def remove(node: Node) -> Edit:
    """Take this value out."""
    return ("remove", node.pointer)


def put(node: Node, value: object) -> Edit:
    """Set this value, there or not."""
    return ("replace" if node.raw is not None else "add", node.pointer, value)


def nodes(rule: Rule, case: Case) -> Iterator[Node]:
    """What a rule is to be called with."""
    if rule.scope == "container":
        yield from case.containers
    elif rule.scope == "volume":
        yield from case.volumes
    elif rule.scope == "service" and case.service:
        yield case.service.node
    else:
        yield case.node


def over(items: Iterable[Node], judge: Callable[[Node], Iterator[Mark]], quiet: bool = False) -> Iterator[Mark]:
    """Judge each of these; one that cannot be known is a skip and does not keep the others from being judged. `quiet`
    is for the form of a value: of one that is not known there is nothing to say."""
    for item in items:
        try:
            yield from judge(item)
        except NotKnown as unknown:
            if unknown.why and not quiet:
                yield skip(unknown.node, f"not known before deployment: {unknown.why}")


def marks(rule: Rule, case: Case) -> Iterator[Mark]:
    """All that a rule says of a case; what it could not know is a skip, and the rest is judged all the same."""
    yield from over(nodes(rule, case), lambda node: rule.judge(case, node))
