"""The ECS agent's two settings files, as each of its two readers takes them.

ecs-init runs with what systemd made of the files (EnvironmentFile: quotes vanish). The agent in its container gets the
same files once more, read by ecs-init itself: each line is cut at its first `=`, quotes and notes stay in the value.
Both read `/var/lib/ecs/ecs.config` first and `/etc/ecs/ecs.config` second; later lines win.
Source: ecs-init/docker/docker.go LoadEnvVars and getEnvVars, packaging/*/ecs.service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field

from anywhere.catalogue.ecs_settings import TRUE, complaint, near_setting, right_value
from anywhere.facts.files import Access, Text, read_text
from anywhere.facts.system.quoting import is_name, parse_environment_file
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.recording import once_a_run
from anywhere.redact import MASK, SECRET_KEYS

INSTANCE, USER = "/var/lib/ecs/ecs.config", "/etc/ecs/ecs.config"
PATHS = (INSTANCE, USER)

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = PATHS
FOLDERS: tuple[str, ...] = ()

# Settings whose value the agent reads as JSON, and the kind it must be (amazon-ecs-agent README, agent/config).
JSON_SETTINGS: Mapping[str, type] = {
    "ECS_AVAILABLE_LOGGING_DRIVERS": list,
    "ECS_RESERVED_PORTS": list,
    "ECS_RESERVED_PORTS_UDP": list,
    "ECS_INSTANCE_ATTRIBUTES": dict,
    "ECS_CONTAINER_INSTANCE_TAGS": dict,
    "ECS_ENGINE_AUTH_DATA": dict,
    "ECS_AGENT_LABELS": dict,
    "ECS_VOLUME_PLUGIN_CAPABILITIES": list,
    "ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES": list,
}
# The agent ends with these and goes on without any other (amazon-ecs-agent agent/config/parse.go, environmentConfig). Without
# the list of log drivers it offers two, where ecs-init would have given it more (config_unix.go, ecs-init/docker/docker.go).
DRIVERS = "ECS_AVAILABLE_LOGGING_DRIVERS"
FATAL_JSON = ("ECS_INSTANCE_ATTRIBUTES", "ECS_CONTAINER_INSTANCE_TAGS", "ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES")


MARK = "\ufeff"  # Windows editors put it before UTF-8 text


@frozen
class Line:
    """One setting as it stands: `value` is cut at the first `=` and nothing else. Secret values are masked."""

    path: str
    number: int
    name: str
    value: str


@frozen
class Problem:
    """What is wrong with a line. `kind`: `syntax`, `mark` (behind a byte order mark), `utf16` (the complete file), `mixed` (its
    first part), `quoted`, `json`, `external`, `glued`, `duplicate`, `overridden`, `value` (not one that the setting takes),
    `ignored` (the agent takes its default instead), `unknown` (a name that only looks like a setting). `write` is the right
    value where that is known."""

    kind: str
    path: str
    number: int
    name: str
    text: str
    write: str = ""


@frozen
class EcsConfig:
    """Both files. `agent` is what the agent gets, `init` what ecs-init gets, `known` whether all could be read."""

    exists: bool = False
    known: bool = True
    lines: tuple[Line, ...] = ()
    agent: Mapping[str, str] = field(default_factory=dict)
    init: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def is_external(self) -> bool:
        """Whether ecs-init takes this host for an external one: the exact word `true` (ecs-init/config)."""
        return self.init.get("ECS_EXTERNAL") == "true"


def is_true(value: str) -> bool:
    """Whether the agent reads a value as true (strconv.ParseBool)."""
    return value.strip() in TRUE


@once_a_run
def ecs_config(host: Host) -> EcsConfig:
    """The two settings files of a host."""
    return parse_ecs_config(tuple(read_text(host, path) for path in PATHS))


def parse_ecs_config(texts: tuple[Text, ...]) -> EcsConfig:
    """Both files, in the order in which they are read: low precedence first."""
    lines = tuple(line for text in texts for line in parse_lines(text))
    init: dict[str, str] = {}
    for text in texts:
        init.update(parse_environment_file(text.content))
    hidden = tuple(text.path for text in texts if text.access is Access.FORBIDDEN)
    return EcsConfig(
        exists=any(text.exists for text in texts),
        known=not hidden,
        lines=lines,
        agent={line.name: line.value for line in lines if is_name(line.name)},
        init={name: _masked(name, value) for name, value in init.items()},
        sources={line.name: f"{line.path}:{line.number}" for line in lines},
        problems=tuple(_problems(texts, lines)),
        hidden=hidden,
    )


def parse_lines(text: Text) -> Iterator[Line]:
    """The settings of one file as ecs-init cuts them: lines without `=` are skipped.

    ```
    ECS_CLUSTER=prod
    HTTPS_PROXY=http://proxy:3128
    ```
    """
    for number, raw in enumerate(text.content.split("\n"), 1):
        name, equals, value = raw.strip().partition("=")
        if equals and not name.lstrip().startswith("#"):
            yield Line(text.path, number, name, _masked(name, value))


def _masked(name: str, value: str) -> str:
    return MASK if value and SECRET_KEYS.search(name) else value


def _problems(texts: tuple[Text, ...], lines: tuple[Line, ...]) -> Iterator[Problem]:
    raw = {(text.path, number): row for text in texts for number, row in enumerate(text.content.split("\n"), 1)}
    wide = [text.path for text in texts if _is_wide(text.content[:64])]
    for text in texts:
        yield from _encoding(text) if text.path in wide else _bare_lines(text)
    for line in lines:
        if line.path not in wide:
            yield from _line_problems(line, raw[line.path, line.number])
    yield from _repeated(lines)


def _is_wide(text: str) -> bool:
    """Whether nearly every second character is a zero, as of ASCII in UTF-16. Zeros in a row are what a power cut leaves."""
    return any(
        len(half) and half.count("\0") / len(half) > 0.8 and text.count("\0\0") < 3 for half in (text[::2], text[1::2])
    )


def _encoding(text: Text) -> Iterator[Problem]:
    """Text in UTF-16, as some Windows editors and PowerShell write it: no reader finds a setting in it."""
    said = "is UTF-16 text, in which the agent finds no setting: write it as UTF-8"
    pure = _is_wide(text.content[-64:])
    more = "" if pure else " (other lines follow in another encoding)"
    yield Problem("utf16" if pure else "mixed", text.path, 1, "ecs.config", said + more)


def _bare_lines(text: Text) -> Iterator[Problem]:
    for number, row in enumerate(text.content.split("\n"), 1):
        stripped = row.lstrip(MARK).strip(" \t\r\0")
        if stripped and "=" not in stripped and not stripped.startswith(("#", ";")):
            yield Problem("syntax", text.path, number, "", "has no = and is skipped")


def _line_problems(line: Line, raw: str) -> Iterator[Problem]:
    if line.name.startswith(MARK):
        said = "follows a byte order mark, which is invisible in an editor: the agent never sees this setting"
        yield Problem("mark", line.path, line.number, line.name.removeprefix(MARK), said)
        return
    if not is_name(line.name):
        said = "begins with export" if line.name.startswith("export ") else "is no NAME=value"
        yield Problem("syntax", line.path, line.number, line.name, f"{said}: the agent never sees this setting")
        return
    value = raw.strip().partition("=")[2]
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        yield Problem("quoted", line.path, line.number, line.name, "the quotes become part of the value for the agent")
    elif line.name in JSON_SETTINGS:
        yield from _json_problems(line, value)
    elif not _glued(value) and (wrong := complaint(line.name, value)):
        kind = "value" if wrong[1] else "ignored"
        yield Problem(kind, line.path, line.number, line.name, wrong[0], right_value(line.name, value))
    elif hint := near_setting(line.name):
        yield Problem("unknown", line.path, line.number, line.name, f"is no setting of the ECS agent; {hint}")
    if glued := _glued(value):
        yield Problem("glued", line.path, line.number, line.name, f"{glued} is glued to this line's end")
    if line.name == "ECS_EXTERNAL" and value != "true":
        yield Problem(
            "external", line.path, line.number, line.name, "must be the bare word true, or ecs-init ignores it"
        )


def _json_problems(line: Line, value: str) -> Iterator[Problem]:
    if wrong := _json_complaint(line.name, value):
        effect = "the agent ends at its start" if line.name in FATAL_JSON else "the agent ignores it"
        effect += " and offers only the drivers `json-file` and `none`" if line.name == DRIVERS else ""
        kind = "json" if line.name in (*FATAL_JSON, DRIVERS) else "ignored"
        yield Problem(kind, line.path, line.number, line.name, f"{wrong}: {effect}")


def _json_complaint(name: str, value: str) -> str:
    wanted = JSON_SETTINGS[name]
    shape = "a list" if wanted is list else "an object"
    try:
        found: object = json.loads(value) if value else wanted()
    except (ValueError, RecursionError):
        return f"is no valid JSON ({shape} is needed)"
    if not isinstance(found, wanted):
        return f"must be {shape}"
    if name not in FATAL_JSON or not isinstance(found, dict):
        return ""
    other = next((key for key, one in found.items() if not isinstance(one, (str, type(None)))), None)
    if other is not None:
        return f"must hold strings alone, and {other!r} is none: quote it"
    return _attribute_complaint(found) if name == ATTRIBUTES else ""


# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Attribute.html: what ECS takes as a name.
ATTRIBUTES = "ECS_INSTANCE_ATTRIBUTES"
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_./\\-]{1,128}")


def _attribute_complaint(found: Mapping[str, str | None]) -> str:
    name = next((name for name in found if not _ATTRIBUTE.fullmatch(name)), None)
    return (
        ""
        if name is None
        else f"names the attribute {name[:60]!r}, which ECS refuses (only letters, digits, _ - . / \\)"
    )


# What the official installer appends: to a file without a final newline the line is glued to the last one.
_APPENDED = ("ECS_CLUSTER=", "AWS_DEFAULT_REGION=", "ECS_EXTERNAL=", "ECS_BACKEND_HOST=", "ECS_ENABLE_GPU_SUPPORT=")


def _glued(value: str) -> str:
    return next((name.rstrip("=") for name in _APPENDED if name in value), "")


def _repeated(lines: tuple[Line, ...]) -> Iterator[Problem]:
    """Names given twice. The same value twice in one file is what a rerun of the installer leaves."""
    seen: dict[str, Line] = {}
    for line in lines:
        if not is_name(line.name):
            continue
        before = seen.get(line.name)
        seen[line.name] = line
        if before is None:
            continue
        kind = "duplicate" if before.path == line.path else "overridden"
        how = "again, with the same value" if before.value == line.value else "with another value; this one wins"
        yield Problem(kind, line.path, line.number, line.name, f"is set in {before.path}:{before.number} too, {how}")
