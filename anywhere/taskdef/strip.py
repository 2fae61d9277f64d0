"""What a definition for registration does not have: nulls, what describe commands and Terraform add, App Mesh's proxy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anywhere.documents.pointer import token
from anywhere.taskdef.draft import CHANGED, DECIDE, DROPPED, Change, Draft
from anywhere.taskdef.rule import put, remove
from anywhere.taskdef.shapes.table import API, table
from anywhere.taskdef.source.node import Node, Unknown
from anywhere.taskdef.source.shape import READ_ONLY

_ENVELOPE = ("tagsAll", "arn", "arnWithoutRevision", "id", "revision", "skipDestroy", "trackLatest", "region")


def strip(draft: Draft, family: str) -> None:
    """Take out nulls and what describe-task-definition adds, and give the family that is asked for."""
    for pointer in list(_nulls(draft.raw, "")):
        draft.apply(DROPPED, "null: ECS takes a value or none", [{"op": "remove", "path": pointer}])
    for name in READ_ONLY:
        node = draft.definition().node.at(name)
        if node.raw is not None:
            text = f"{name}: describe-task-definition adds it, and register-task-definition refuses it"
            draft.edit(DROPPED, text, remove(node))
    named = draft.definition().node.at("family")
    if family and named.raw != family:
        draft.edit(CHANGED, f"family {family}", put(named, family))


def _nulls(raw: object, pointer: str) -> Iterator[str]:
    """Pointers of all nulls, the last of a list first, so that each can be removed after the others."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from [pointer + token(key)] if value is None else _nulls(value, pointer + token(key))
    for at, value in reversed(list(enumerate(raw if isinstance(raw, list) else ()))):
        yield from [f"{pointer}/{at}"] if value is None else _nulls(value, f"{pointer}/{at}")


def registrable(raw: Any, unknown: list[tuple[str, str]]) -> Any:
    """What Terraform has of a definition, by the names of the API: without what it computes. `unknown` takes pointer and
    reason of what is known after apply only."""
    fields = table(API).shapes[table(API).roots["task-definition"]].fields
    return _known({key: value for key, value in raw.items() if key in fields and key not in _ENVELOPE}, "", unknown)


def _known(raw: Any, pointer: str, unknown: list[tuple[str, str]]) -> Any:
    if isinstance(raw, Unknown):
        unknown.append((pointer, raw.why or "of the wrong type"))
        return None
    if isinstance(raw, dict):
        pairs = ((key, _known(value, pointer + token(key), unknown)) for key, value in raw.items())
        return {key: value for key, value in pairs if value is not None}
    if isinstance(raw, list):
        return [_known(value, f"{pointer}/{at}", unknown) for at, value in enumerate(raw)]
    return raw


def without_mesh(draft: Draft) -> None:
    """Take out App Mesh's proxy: its configuration, its container, and what waits for that container."""
    proxy = draft.definition().node.at("proxyConfiguration")
    if not isinstance(proxy.raw, dict):
        return
    envoy = proxy.at("containerName").raw
    draft.edit(DROPPED, "the App Mesh proxy: external instances have no App Mesh", remove(proxy))
    containers = draft.case().containers
    found = next((one for one in containers if one.at("name").raw == envoy), None)
    if not isinstance(envoy, str) or found is None or len(containers) < 2:
        return
    draft.edit(DROPPED, f"the container {envoy}, which was the App Mesh proxy", remove(found))
    for container in draft.case().containers:
        _without(draft, container, envoy)
    text = f"{envoy} is gone: settings of the other containers that lead to it (APPMESH_*, localhost ports) are not"
    draft.changes.append(Change(DECIDE, draft.definition().place.source("/containerDefinitions"), text))


def _without(draft: Draft, container: Node, name: str) -> None:
    """Take a container out of the lists of another that name it."""
    for field, key in (("dependsOn", "containerName"), ("volumesFrom", "sourceContainer"), ("links", "")):
        listed = container.at(field)
        named = [
            item for item in listed.each() if (item.at(key).raw if key else str(item.raw).partition(":")[0]) == name
        ]
        if named and len(named) == len(list(listed.each())):
            draft.edit(DROPPED, f"{field}: {name} is gone", remove(listed))
        else:
            for item in reversed(named):
                draft.edit(DROPPED, f"{field}: {name} is gone", remove(item))
