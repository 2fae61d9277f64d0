"""What the user asked for: built once by the command line, frozen, passed down."""

from __future__ import annotations

from anywhere.frozen import frozen

PHASES = ("install", "register", "run")
FEATURES = ("ecr", "ecr-public", "docker-hub", "logs", "secrets", "exec", "s3", "kms", "sts", "monitoring", "installer")


@frozen
class Settings:
    """Options of one run. `budget` is the deadline of the run in seconds, `patience` by how much it may grow where
    something stalls (the agents wait up to 30 s for a step), `idle` how long to keep a silent connection open (0: not at
    all), `shards` how many `ecs-a-N` / `ecs-t-N` names to try, `prove` whether a temporary namespace may be made on
    docker's bridge. No phases means those that the host has not completed: all of them before registration, only `run`
    after it. `expect` is the declared way (`private`, `docker=proxy`), `own` the site's own endpoints
    (`docker=https://registry.example.com/v2/`)."""

    regions: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()
    phases: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    demote: tuple[str, ...] = ()
    accepted_issuers: tuple[str, ...] = ()
    budget: float = 6.0
    patience: float = 0.0
    idle: float = 0.0
    shards: int = 12
    dualstack: bool = False
    fips: bool = False
    cluster: str = ""
    prove: bool = False
    expect: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
