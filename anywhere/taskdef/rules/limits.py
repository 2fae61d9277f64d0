"""Rules on limits: of containers (ulimits, swap, tmpfs), and of a definition as a whole (containers, size)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from posixpath import normpath

from anywhere.taskdef.quantity import memory_mib
from anywhere.taskdef.rule import EC2, EVERY, EXTERNAL, FARGATE, Case, Mark, fail, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node, Unknown
from anywhere.taskdef.words import words

MOST_CONTAINERS = 10
MOST_BYTES = 64 * 1024
NO_LIMIT = -1
# Source: API reference, type Tmpfs; docker takes size too, although it has a field of its own.
TMPFS_OPTIONS = words(
    "defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime diratime "
    "nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave relatime norelatime "
    "strictatime nostrictatime mode uid gid nr_inodes nr_blocks mpol size"
)


@rule(
    "taskdef.ulimits",
    "ulimits",
    scope="container",
    launch=EVERY,
    meaning="A soft limit is not above its hard limit (-1 is none), and each limit is set once. Fargate takes nofile only, "
    "Windows containers take none.",
    fine="ulimits that the launch type has, or none",
    source=f"{sources.API}, type Ulimit; {sources.FARGATE_PARAMETERS}; docker/go-units, ParseUlimit",
)
def ulimits(case: Case, node: Node) -> Iterator[Mark]:
    limits = node.at("ulimits")
    if limits.filled and case.windows:
        yield fail(limits, "Windows containers take no ulimits", "take them out", remove(limits))
        return
    yield from over(limits.each(), lambda item: _ulimit(case, item))
    seen: set[object] = set()
    for item in limits.each():
        name = item.at("name")
        if name.known and name.raw in seen:
            yield warn(item, f"the limit {name.raw} is set twice", "keep one")
        seen.add(name.raw)


def _ulimit(case: Case, item: Node) -> Iterator[Mark]:
    name, soft, hard = item.at("name"), item.at("softLimit"), item.at("hardLimit")
    if case.launch == FARGATE and name.text() not in ("", "nofile"):
        yield fail(item, f"Fargate sets no limit but nofile, not {name.text()}", "take it out", remove(item))
    low, high = soft.number(), hard.number()
    if low is None or high is None or high == NO_LIMIT:
        return
    if low == NO_LIMIT or low > high:
        shown = "no limit" if low == NO_LIMIT else str(low)
        yield fail(soft, f"the soft limit ({shown}) is above the hard limit ({high})", "lower it", put(soft, high))


@rule(
    "taskdef.swap",
    "swap and temporary file systems",
    scope="container",
    launch=EVERY,
    meaning="`swappiness` is 0 to 100 and counts only beside `maxSwap`, which is not negative, nor is `sharedMemorySize`. "
    "`maxSwap` is added to the container's `memory`, without which docker takes no limit of swap. A "
    "tmpfs has a size, an absolute path other than /, and mount options of the API's list.",
    fine="memory settings that count",
    source=f"{sources.API}, types LinuxParameters and Tmpfs; {sources.MOBY}, daemon/daemon_unix.go, "
    "verifyPlatformContainerSettings and verifyPlatformContainerResources",
)
def swap(case: Case, node: Node) -> Iterator[Mark]:
    parameters = node.at("linuxParameters")
    most, tendency = parameters.at("maxSwap"), parameters.at("swappiness")
    number, percent = most.number(), tendency.number()
    if number is not None and number < 0:
        yield fail(most, f"maxSwap is {number}, and is 0 or more", "use 0 for no swap", put(most, 0))
    yield from over([parameters.at("sharedMemorySize")], _shared, quiet=True)
    yield from over([node] if number and number > 0 else (), lambda node: _without_limit(case, node), quiet=True)
    if percent is not None and not 0 <= percent <= 100:
        near = 0 if percent < 0 else 100
        yield fail(tendency, f"swappiness is {percent}, and is 0 to 100", f"use {near}", put(tendency, near))
    elif percent is not None and not most.present:
        yield warn(tendency, "swappiness is ignored without maxSwap", "set maxSwap, or take it out", remove(tendency))
    yield from over(parameters.at("tmpfs").each(), lambda item: _tmpfs(case, item))


def _without_limit(case: Case, container: Node) -> Iterator[Mark]:
    if case.launch in (EXTERNAL, EC2) and not case.windows and not container.at("memory").number():
        text = "maxSwap is added to memory, and this container has none: docker refuses a swap limit alone"
        most = container.at("linuxParameters", "maxSwap")
        yield warn(most, text, "set memory of the container, or take maxSwap out", remove(most))


def _shared(size: Node) -> Iterator[Mark]:
    number = size.number()
    if number is not None and number < 0:
        yield fail(
            size, f"sharedMemorySize is {number}, and docker takes 0 or more", "use 64, docker's own", put(size, 64)
        )


def _mount_option(item: Node) -> Iterator[Mark]:
    text = item.text()
    if text.partition("=")[0] not in TMPFS_OPTIONS and not is_placeholder(text):
        yield warn(item, f"{show(text)} is not a mount option of a tmpfs", "remove it", remove(item))


def _tmpfs(case: Case, item: Node) -> Iterator[Mark]:
    size, path = item.at("size"), item.at("containerPath")
    yield from over(item.at("mountOptions").each(), _mount_option, quiet=True)
    number = size.number()
    if number is not None and number < 1:
        yield fail(size, f"a tmpfs of {number} MiB", "give its size in MiB", put(size, 64))
    if path.text() and not path.text().startswith("/"):
        yield fail(path, "the path of a tmpfs is not absolute", "begin it with /")
    elif path.text() and case.launch in (EXTERNAL, EC2) and normpath("/" + path.text().lstrip("/")) == "/":
        yield fail(path, "docker refuses a tmpfs at /", "mount it at a folder, such as /tmp")


@rule(
    "taskdef.hard-limit",
    "memory of a container and of the task",
    scope="container",
    meaning="A container's hard limit is not above the task's memory: ECS was seen to refuse that, and agents do not start "
    "such a task unless ECS_ENABLE_TASK_CPU_MEM_LIMIT is false.",
    fine="no hard limit above the task's memory",
    source=f"{sources.API}, field memory of ContainerDefinition; amazon-ecs-agent, agent/api/task/task_linux.go, "
    f"buildLinuxMemorySpec; {sources.SEEN}, pf-ecs-container-memory-over-task, and pulumi/pulumi-awsx#1220 (answer: the memory "
    "setting of the container is greater than for the task)",
)
def hard_limit(case: Case, node: Node) -> Iterator[Mark]:
    hard, total = node.at("memory"), case.node.at("memory")
    if not (hard.present and total.present) or case.windows:
        return
    whole, limit = memory_mib(total.text()), hard.number()
    if whole and limit and limit > whole and node.at("memoryReservation").present:
        effect = "" if case.launch == FARGATE else ", and agents do not start such a task"
        text = f"memory is {limit} MiB, above the task's {whole} MiB: ECS was seen to refuse that{effect}"
        yield warn(hard, text, f"use {whole} or less", put(hard, whole))


@rule(
    "taskdef.limits",
    "limits of a definition",
    scope="definition",
    launch=EVERY,
    meaning="A definition has 1 to 10 containers and at most 64 KiB.",
    fine="within the limits of a definition",
    source=f"{sources.QUOTAS}; {sources.REGISTER}, field containerDefinitions",
)
def limits(case: Case, node: Node) -> Iterator[Mark]:
    listed = node.at("containerDefinitions")
    if listed.raw == [] or (listed.raw is None and case.definition is not None and _is_fault_free(case)):
        yield fail(listed, "a definition without containers", "add a container")
    elif listed.sure > MOST_CONTAINERS:
        yield fail(
            listed, f"{listed.sure} containers, and a definition has at most {MOST_CONTAINERS}", "split the task"
        )
    if len(str(node.raw)) < MOST_BYTES // 6:  # no character takes more bytes than that
        return
    size = len(json.dumps(_known(node.raw), separators=(",", ":"), ensure_ascii=False).encode())
    if size > MOST_BYTES:
        text = f"{size:,} bytes, and a definition has at most {MOST_BYTES:,}"
        yield fail(node, text, "move settings to environment files, or split the task")


def _is_fault_free(case: Case) -> bool:
    """Whether nothing has been said already about containers that are missing."""
    found = case.definition.faults if case.definition else ()
    return not any("ontainerDefinitions" in fault.pointer + fault.text for fault in found)


def _known(raw: object) -> object:
    if isinstance(raw, Unknown):
        return ""
    if isinstance(raw, dict):
        return {key: _known(value) for key, value in raw.items()}
    return [_known(value) for value in raw] if isinstance(raw, list) else raw
