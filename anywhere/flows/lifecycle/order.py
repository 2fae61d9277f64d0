"""One registration as values: what is ordered, who hears of it, and why it cannot go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from anywhere.catalogue.causes.table import causes
from anywhere.changes.agents.wanted import Activation, Wanted
from anywhere.changes.base import Step
from anywhere.changes.proxy.profile import Profile
from anywhere.errors import AnywhereError
from anywhere.flows.lifecycle.artifacts import Origin
from anywhere.frozen import frozen
from anywhere.model import Cause, Target
from anywhere.redact import redact
from anywhere.settings import Settings

HEALTH_SECONDS = 180.0


@frozen
class Order:
    """One registration, the same for every host. `settings` are those of the checks, `proxy` an optional profile,
    `proxy_packages` whether the package manager has it too, `wait` the seconds until a host has to be healthy,
    `probe_image` an image with sh and wget, curl or nc."""

    wanted: Wanted
    activation: Activation | None = field(default=None, repr=False)
    origin: Origin = field(default_factory=Origin)
    settings: Settings = field(default_factory=Settings)
    proxy: Profile | None = None
    wait: float = HEALTH_SECONDS
    probe_image: str = ""
    proxy_packages: bool = False


class NotRegistered(AnywhereError):
    """Why it cannot go on: a code, a line, and what to do (exit code 1)."""

    exit_code = 1

    def __init__(self, message: str, code: str = "", fix: str = "", causes: tuple[Cause, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.fix, self.causes = code, fix, causes


class Listener:
    """Hears how a run goes on. The default hears nothing."""

    def begins(self, text: str) -> None:
        """Something begins."""

    def ends(self, text: str, seconds: float) -> None:
        """It has ended, after so many seconds."""

    def waits(self, text: str) -> None:
        """What is being waited for, whenever that changes."""

    def received(self, name: str, have: int, of: int) -> None:
        """Bytes of a download (`of` 0: not known)."""


Look = Callable[[Settings], Target]


@dataclass
class Timed:
    """Says when something begins and ends."""

    text: str
    listener: Listener
    begun: float = 0.0

    def __enter__(self) -> None:
        self.begun = time.monotonic()
        self.listener.begins(self.text)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.listener.ends(self.text, time.monotonic() - self.begun)


@dataclass
class Steps:
    """Passes the steps of a change, as `engine.apply` names them, on to a listener with the seconds of each."""

    listener: Listener
    begun: float = 0.0

    def __call__(self, step: Step, done: bool) -> None:
        if done:
            self.listener.ends(redact(step.title), time.monotonic() - self.begun)
        else:
            self.begun = time.monotonic()
            self.listener.begins(redact(step.title))


def usual_fix(code: str) -> str:
    """What `anywhere explain` says to do about a cause; empty where there is none."""
    row = causes().get(code)
    return row.fix if row else ""
