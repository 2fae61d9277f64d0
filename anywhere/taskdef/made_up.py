"""Names that a conversion makes up: where a volume lies on the hosts, and the usual execution role."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from anywhere.catalogue.regions import find_region
from anywhere.errors import BadInput
from anywhere.taskdef.source.node import Node

_UNUSED = re.compile(r"[^\w.-]+")
_ACCOUNT = re.compile(r"\b(\d{12})\b")
_ARN = re.compile(r"\barn:(aws[a-z-]*):")
_REGION = re.compile(r"\b[a-z]{2,4}(?:-[a-z]+){1,3}-\d{1,2}\b")


def host_path(name: Node, at: int, taken: Collection[str]) -> str:
    """A path of the host for the volume at this position: by the part of its name that is known, and of no other volume."""
    known = name.literal().replace("${}", "") if isinstance(name.raw, str) or not name.known else ""
    path = "/mnt/" + (_UNUSED.sub("-", known).strip("-.") or f"volume-{at}")
    while path in taken:
        path += f"-{at}"
    return path


def execution_role(raw: object) -> str:
    """The ARN of the role that the console makes, in the account and partition that the definition itself names."""
    text = json.dumps(raw)
    account = _ACCOUNT.search(text)
    return f"arn:{_partition(text)}:iam::{account[1] if account else '000000000000'}:role/ecsTaskExecutionRole"


def _partition(text: str) -> str:
    """That of the ARNs, else of the regions; `aws` where none is named, or more than one."""
    named = set(_ARN.findall(text)) or set(_of_regions(text))
    return named.pop() if len(named) == 1 else "aws"


def _of_regions(text: str) -> Iterator[str]:
    for name in set(_REGION.findall(text)):
        try:
            yield find_region(name).partition
        except BadInput:
            continue
