"""Whether an IAM role is one that external instances can work with: who may assume it, and what it is allowed. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from urllib.parse import unquote

SERVICE = "ssm.amazonaws.com"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html: in any case, with * and ?
_ASSUME = "sts:assumerole"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere-iam.html
POLICIES = ("AmazonSSMManagedInstanceCore", "AmazonEC2ContainerServiceforEC2Role")


def role_problems(document: object, attached: Iterable[str]) -> list[str]:
    """What is wrong with a role's trust policy (as IAM gives it: an object, or URL-encoded text) and its managed policies
    (their ARNs or names); empty for nothing."""
    return [*_trust(document), *_policies(attached)]


def _trust(document: object) -> Iterator[str]:
    if isinstance(document, str):
        try:
            document = json.loads(unquote(document))
        except ValueError:
            document = None
    statements = document.get("Statement", []) if isinstance(document, Mapping) else []
    rows = statements if isinstance(statements, list) else [statements]
    if not any(_allows(row) for row in rows if isinstance(row, Mapping)):
        yield f"its trust policy does not let {SERVICE} assume it (sts:AssumeRole)"


def _allows(row: Mapping[object, object]) -> bool:
    principal = row.get("Principal", {})
    services = _list(principal.get("Service", ())) if isinstance(principal, Mapping) else []
    actions = (one.lower() for one in _list(row.get("Action", ())))
    return row.get("Effect") == "Allow" and SERVICE in services and any(fnmatchcase(_ASSUME, one) for one in actions)


def _list(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list | tuple) else []


def _policies(attached: Iterable[str]) -> Iterator[str]:
    names = {one.rpartition("/")[2] for one in attached}
    for policy in POLICIES:
        if policy not in names:
            yield f"the managed policy {policy} is not attached (a policy of your own with its actions does as well)"
