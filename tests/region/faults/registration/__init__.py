"""What can go wrong while a booted host registers: a table of its own, since most of it no check can see beforehand.

Each setback is a small function with a name. It changes a `Rehearsal` before the registration begins, and `heal` takes it
away again, so that a test can prove that one more run gets there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from tests.region.site import Site

TOPICS = ("activation", "service", "packages", "host")


class Machine(Protocol):
    """A booted machine."""

    def sh(self, script: str, check: bool = True) -> str: ...


@dataclass
class Rehearsal:
    """A host that is about to register. `activation` is what the user was handed (id, code), right or wrong."""

    site: Site
    machine: Machine
    activation: dict[str, Any]
    healers: list[Callable[[], object]] = field(default_factory=list)

    def heal(self) -> None:
        """Take the setback away."""
        while self.healers:
            self.healers.pop()()

    def break_call(self, operation: str, **fields: Any) -> None:
        """A fault of the control plane."""
        self.site.control.fail(operation, **fields)
        self.healers.append(self.site.control.heal)

    def break_host(self, script: str, back: str) -> None:
        """Run a script on the host, and another to heal."""
        self.machine.sh(script)
        self.healers.append(lambda: self.machine.sh(back))


@dataclass(frozen=True, slots=True)
class Setback:
    """`step` is where the registration meets it: docker, package, ssm, ecs, boot. `words` stand in what the failing
    part itself reports (the stand-in agents use the real agents' words). `final` is whether it needs a person: where not,
    the registration may get there by itself."""

    name: str
    description: str
    step: str
    words: str
    final: bool
    apply: Callable[[Rehearsal], None]
    suites: tuple[str, ...]


TABLE: dict[str, Setback] = {}
Changer = Callable[[Rehearsal], None]
ALL = ("bookworm", "bullseye", "trixie")


def setback(
    name: str, description: str, step: str, words: str = "", *, final: bool = True, suites: tuple[str, ...] = ALL
) -> Callable[[Changer], Changer]:
    """Put a function into the table."""

    def register(function: Changer) -> Changer:
        if name in TABLE:
            raise ValueError(f"two setbacks are called {name}")
        TABLE[name] = Setback(name, description, step, words, final, function, suites)
        return function

    return register


def setbacks() -> dict[str, Setback]:
    """Every setback by name."""
    for topic in TOPICS:
        import_module(f"{__name__}.{topic}")
    return TABLE
