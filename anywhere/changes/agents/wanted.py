"""What registration is to bring about, checked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.held import hold

DEFAULT_CLUSTER = "default"
DOCKER_SOURCES = ("auto", "distro", "docker", "none")
_CLUSTER = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"[!-~]{20,250}")
_NAME = re.compile(r"[A-Za-z0-9_./\\-]{1,128}")
_VALUE = re.compile(r"[A-Za-z0-9_./\\:@ -]{0,128}")
_ENDPOINT = re.compile(r"(https://)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?/?")


@frozen
class Activation:
    """An SSM activation. Both parts are secrets: they are in no text of this program."""

    id: str = field(repr=False)
    code: str = field(repr=False)


@frozen
class Wanted:
    """The wanted state. `endpoint` overrides `ecs.REGION` (ECS_BACKEND_HOST), `ip` is ipv4, ipv6 or empty (the agents
    decide by the routes), `docker` one of DOCKER_SOURCES, `account` is compared where the host says one."""

    region: str
    cluster: str = DEFAULT_CLUSTER
    account: str = ""
    docker: str = "auto"
    start: bool = True
    gpu: bool = False
    endpoint: str = ""
    ip: str = ""
    certs_file: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def check_wanted(wanted: Wanted) -> None:
    """Refuse what AWS or an agent would refuse later. Raises BadInput."""
    if not _CLUSTER.fullmatch(wanted.cluster):
        raise BadInput(
            f"--cluster takes letters, digits, _ and -, at most 255 (a name, not an ARN), not {wanted.cluster[:60]!r}"
        )
    if wanted.account and not re.fullmatch(r"[0-9]{12}", wanted.account):
        raise BadInput(f"--account takes 12 digits, not {wanted.account[:20]!r}")
    BadInput.require("--docker source", wanted.docker, DOCKER_SOURCES)
    if wanted.ip not in ("", "ipv4", "ipv6"):
        raise BadInput.unknown("--ip-compatibility", wanted.ip, ("ipv4", "ipv6"))
    if wanted.endpoint and not _ENDPOINT.fullmatch(wanted.endpoint):
        raise BadInput(f"--ecs-endpoint takes a host name or https://NAME, not {wanted.endpoint[:60]!r}")


def pairs(option: str, words: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` words of --attribute or --tag. Raises BadInput."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in found:
            raise BadInput(f"{option} takes NAME=VALUE once for each name, as in rack=b12, not {word[:60]!r}")
        found[name] = value
    return found


def parse_activation(text: str, source: str) -> Activation:
    """An activation from a file, standard input or variables: JSON as `aws ssm create-activation` prints it
    (ActivationId, ActivationCode), or lines `id=...` and `code=...`, or ID and code on two lines. Raises BadInput, with
    nothing of the text in its message."""
    values = _fields(text)
    id, code = values.get("id", ""), values.get("code", "")
    if not id or not code:
        raise BadInput(
            f"{source} holds no activation: give the JSON of `aws ssm create-activation`, or the lines id=ID and code=CODE"
        )
    if not _ID.fullmatch(id):
        raise BadInput(f"{source}: the activation's ID must be 36 characters like 01234567-89ab-cdef-0123-456789abcdef")
    if not _CODE.fullmatch(code):
        raise BadInput(f"{source}: the activation's code must be 20 to 250 printable characters without blanks")
    hold(code)
    return Activation(id, code)


def _fields(text: str) -> dict[str, str]:
    import json

    text = text.lstrip("\ufeff").strip()
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        named = {str(key).lower().removeprefix("activation").strip("_-"): value for key, value in body.items()}
        return {key: value.strip() for key, value in named.items() if isinstance(value, str)}
    rows = [row.strip() for row in text.splitlines() if row.strip() and not row.lstrip().startswith("#")]
    if len(rows) == 2 and _ID.fullmatch(rows[0]):
        return {"id": rows[0], "code": rows[1]}
    found = {}
    for row in rows:
        name, _, value = row.partition("=") if "=" in row else row.partition(":")
        key = re.sub(r"\A(export\s+)?(aws_|ssm_)?(activation)?[_-]?", "", name.strip().lower())
        found[key] = value.strip().strip("\"'")
    return found
