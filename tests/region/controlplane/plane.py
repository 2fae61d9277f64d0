"""What the control plane is told before the region starts: plain values, part of the World."""

from __future__ import annotations

from dataclasses import dataclass, field

ACCOUNT = "123456789012"
ROLE = "ecsAnywhereRole"
OWNER = ("AKIAREGIONOWNER00000", "b3duZXJzLXNlY3JldC1rZXktb2YtdGhlLXJlZ2lvbg")


@dataclass
class Trouble:
    """A fault of one operation. `error` is a modeled error type with `status` and `message`; `how` is something else that
    goes wrong: reset, close, hold, page, status, empty, truncate, lost (done, and the answer is lost). `delay` seconds
    pass before the answer. `count` is how many requests are hit, 0 for all. `without` names a field that is left out of
    a good answer."""

    operation: str
    error: str = ""
    message: str = ""
    status: int = 400
    how: str = ""
    delay: float = 0.0
    count: int = 0
    without: str = ""


@dataclass
class Activation:
    """An SSM activation. `expires` is in epoch seconds; `used` counts registrations that succeeded."""

    id: str
    code: str
    limit: int = 1
    used: int = 0
    expires: float = 0.0
    region: str = ""
    role: str = ROLE
    name: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Plane:
    """`clusters` exist in every region. `denied` are actions that the role lacks (`ecs:Poll`). `token_life` is the life of
    a role token in seconds, `heartbeat` the period of ACS and TCS heartbeats in seconds. `buckets` maps a bucket to the
    folder that it serves. `socket` is where tests ask for more while the region is up."""

    account: str = ACCOUNT
    clusters: list[str] = field(default_factory=lambda: ["default", "plant-7"])
    activations: list[Activation] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    token_life: float = 3600.0
    heartbeat: float = 20.0
    buckets: dict[str, str] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)
    socket: str = ""
