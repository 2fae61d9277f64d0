"""The ways that a user declares for components (`--expect`), in the form that settings keep: `ecs-agent=private`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from anywhere.errors import BadInput

PRIVATE, PUBLIC, PROXY, DIRECT = "private", "public", "proxy", "direct"
WAYS = (PRIVATE, PUBLIC, PROXY, DIRECT)
COMPONENTS = ("ecs-agent", "ssm-agent", "docker", "installer", "task")
ALIASES = {"host": "installer"}  # what runs in the caller's own environment
ALL = ""


def component_named(word: str) -> str:
    """A component by its name or alias. Raises BadInput with the near misses."""
    name = ALIASES.get(word, word)
    if name not in COMPONENTS:
        raise BadInput.unknown("component", word, (*COMPONENTS, *ALIASES))
    return name


def read_expect(words: Iterable[str]) -> tuple[str, ...]:
    """`private`, `docker=proxy`: one way for all components, others for some. Raises BadInput for what is none, and for
    two ways of the same component."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, way = word.strip().rpartition("=")
        component = component_named(name) if equals else ALL
        BadInput.require("path", way, WAYS)
        if found.setdefault(component, way) != way:
            raise BadInput(
                f"--expect names two paths for {component or 'all components'}: {found[component]} and {way}"
            )
    return tuple(f"{component}={way}" if component else way for component, way in found.items())


def expected_way(expect: Sequence[str], component: str) -> str:
    """The way declared for a component, else the one for all; empty where none is."""
    ways = {name: way for name, _, way in (word.rpartition("=") for word in expect)}
    return ways.get(component, ways.get(ALL, ""))
