"""The ECS agent's two settings files, merged by key: what is there stays, what is wanted stands once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from anywhere.changes.agents.wanted import Wanted
from anywhere.changes.base import ChangeFailed, Step
from anywhere.changes.files import file_step
from anywhere.changes.merging import bytes_of, json_of, text_of
from anywhere.facts.agents.components import ecs_build
from anywhere.facts.agents.ecs_config import INSTANCE, USER
from anywhere.hosts.base import Host

ATTRIBUTES, TAGS = "ECS_INSTANCE_ATTRIBUTES", "ECS_CONTAINER_INSTANCE_TAGS"


def config_steps(host: Host, wanted: Wanted) -> Iterator[Step]:
    """The steps that make both files say what is wanted. Raises ChangeFailed where one cannot be read or merged."""
    texts = {path: text_of(host, path) for path in (INSTANCE, USER)}
    user = {"ECS_CLUSTER": wanted.cluster, **_objects(texts[USER], wanted)}
    if wanted.ip:
        user["ECS_INSTANCE_IP_COMPATIBILITY"] = wanted.ip
    instance = {"AWS_DEFAULT_REGION": wanted.region, "ECS_EXTERNAL": "true"}
    if wanted.endpoint:
        instance["ECS_BACKEND_HOST"] = wanted.endpoint
    if wanted.gpu:
        instance["ECS_ENABLE_GPU_SUPPORT"] = "true"
    if ecs_build(host) == "amazon-linux":
        # The unit of Amazon Linux's own ecs-init reads /etc/ecs/ecs.config alone.
        user = {**user, **instance}
    else:
        # /etc is read last and wins: a value that stands there must agree.
        user = {**user, **{name: value for name, value in instance.items() if name in _names(texts[USER])}}
    for path, values in ((INSTANCE, instance), (USER, user)):
        merged, lines, changed = merge(texts[path], values)
        if changed:
            title = f"merge into {path}: {', '.join(f'{name}={values[name]}' for name in changed)}"
            yield from file_step(host, path, bytes_of(merged), title, lines=lines)


def merge(text: str, values: Mapping[str, str]) -> tuple[str, tuple[tuple[str, str | None], ...], tuple[str, ...]]:
    """The text with these values, what each changed line took the place of, and the names that changed. A name that
    stood several times stands once, at the place of its last line, since that is the one that counted."""
    lines = text.removesuffix("\n").split("\n") if text else []  # a carriage return is part of a value
    undo: list[tuple[str, str | None]] = []
    changed: list[str] = []
    for name, value in values.items():
        new = f"{name}={value}"
        for place, line in enumerate(lines):
            # The official installer appends to a file whose last line has no end: what it glued on is cut off again.
            before, glued, _ = line.partition(f"{name}=")
            if glued and "=" in before and not before.lstrip().startswith("#"):
                undo.append((before, line))
                lines[place] = before
                changed.append(name)
        places = [place for place, line in enumerate(lines) if line.partition("=")[0].strip() == name]
        if [lines[place] for place in places] == [new]:
            continue
        changed.append(name)
        undo.append((new, lines[places[-1]] if places else None))
        if places:
            lines[places[-1]] = new
            lines = [line for place, line in enumerate(lines) if place not in places[:-1]]
        else:
            lines.append(new)
    return ("\n".join(lines) + "\n" if changed else text), tuple(undo), tuple(dict.fromkeys(changed))


def _names(text: str) -> set[str]:
    return {line.partition("=")[0].strip() for line in text.split("\n") if "=" in line}


def _objects(text: str, wanted: Wanted) -> dict[str, str]:
    found = {}
    for name, more in ((ATTRIBUTES, wanted.attributes), (TAGS, wanted.tags)):
        if more:
            found[name] = json_of({**_object(text, name), **more}, separators=(",", ":"))
    return found


def _object(text: str, name: str) -> dict[str, object]:
    rows = [line.partition("=")[2].strip() for line in text.split("\n") if line.partition("=")[0].strip() == name]
    if not rows or not rows[-1]:
        return {}
    try:
        value = json.loads(rows[-1])
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ChangeFailed(f"{name} in {USER} is not a JSON object, and cannot be merged: correct that line first")
    return value
