"""Rules on CPU and memory."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.quantity import FARGATE_PAIRS, cpu_units, fargate_memory, memory_mib
from anywhere.taskdef.rule import EC2, EXTERNAL, FARGATE, Case, Mark, fail, note, over, put, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.node import Node, NotKnown
from anywhere.taskdef.words import named

LEAST_MIB = 6
LEAST_MIB_OLD_DOCKER = 4
LEAST_WINDOWS = 256
LEAST_CPU, MOST_CPU_OLD, MOST_CPU = 128, 10240, 196608
MOST_SHARES = 262144
MOST_CPU_WINDOWS = 4096  # the larger sizes need Fargate's Linux platform 1.4.0 or later
_NOT_ON_WINDOWS = "is ignored for Windows containers"


@rule(
    "taskdef.memory",
    "memory",
    scope="definition",
    launch=(EXTERNAL, EC2),
    meaning="The task or each container names memory or memoryReservation; memory is not below memoryReservation; docker "
    "takes no less than 6 MiB (4 before 20.10); the containers together stay within the task. Windows containers "
    "ignore the task's memory, get 256 MiB at least, and docker starts none with memoryReservation: agents with "
    "ECS_ENABLE_MEMORY_UNBOUNDED_WINDOWS_WORKAROUND drop it where there is no memory.",
    fine="memory is given and adds up",
    source=f"{sources.REGISTER}, fields memory and memoryReservation; {sources.SEEN}, pf-ecs-container-memory-reservation "
    f"(the two may be equal, other than the text says); {sources.MOBY}, daemon/daemon_windows.go; amazon-ecs-agent, "
    "getDockerResources and task_windows.go, platformHostConfigOverride; amazon-ecs-agent#1144, #2344 and #3504",
)
def memory(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("memory")
    total = memory_mib(field.text()) if field.present else None
    if field.present and not total:
        yield fail(field, f"{named(field.text())} is no amount of memory", "give MiB (1024) or GB (1 GB)")
    is_given = bool(total)
    if field.present and case.windows:
        text = f"the task's memory {_NOT_ON_WINDOWS}"
        # ECS wants a container's own where there is none of the task: without both it is refused.
        edits = [remove(field)] if all(map(_has_memory, case.containers)) else []
        yield warn(field, text, "give each container its own memory", *edits)
        total = None
    yield from over(case.containers, lambda container: _container(container, is_given, _is_windows(case)))
    if total:
        reserved = [_reserved(container) for container in case.containers]
        if sum(reserved) > total:
            text = f"the containers reserve {sum(reserved)} MiB, the task has {total}"
            yield fail(field, text, "give the task as much as its containers", put(field, str(sum(reserved))))


def _has_memory(container: Node) -> bool:
    try:
        return bool(_reserved(container))
    except NotKnown:
        return False


def _reserved(container: Node) -> int:
    return container.at("memoryReservation").number() or container.at("memory").number() or 0


def _is_windows(case: Case) -> bool:
    """Whether the containers are known to be of Windows."""
    try:
        return case.windows
    except NotKnown:
        return False


def _container(container: Node, task_has_memory: bool, is_windows: bool) -> Iterator[Mark]:
    hard, soft = container.at("memory"), container.at("memoryReservation")
    if not (task_has_memory or hard.number() or soft.number()):
        yield fail(container, "neither the task nor this container says how much memory", "set memory (MiB)")
    if is_windows:
        yield from _of_windows(hard, soft)
    for amount in (hard, soft) if not is_windows else ():
        number = amount.number()
        if number and number < LEAST_MIB_OLD_DOCKER:
            text = f"{number} MiB: docker takes no less than {LEAST_MIB}"
            yield fail(amount, text, f"give at least {LEAST_MIB} MiB", put(amount, LEAST_MIB))
        elif number and number < LEAST_MIB:
            text = f"{number} MiB: docker 20.10 and newer take no less than {LEAST_MIB}"
            yield warn(amount, text, f"give at least {LEAST_MIB} MiB", put(amount, LEAST_MIB))
    limit, wish = hard.number(), soft.number()
    if limit and wish and limit < wish and not is_windows:
        text = f"memory ({limit} MiB) is below memoryReservation ({wish} MiB)"
        yield fail(hard, text, "raise memory or lower memoryReservation")


def _of_windows(hard: Node, soft: Node) -> Iterator[Mark]:
    """What docker on Windows makes of the amounts."""
    if soft.number() and hard.number():
        text = "docker on Windows has no memoryReservation, and starts no container with it"
        yield fail(soft, text, "take it out", remove(soft))
    elif soft.number():
        text = "docker on Windows has no memoryReservation: the task starts only where the agent drops it"
        advice = "set memory in its place, or ECS_ENABLE_MEMORY_UNBOUNDED_WINDOWS_WORKAROUND=true on the hosts"
        yield warn(soft, text, advice, put(hard, soft.number()), remove(soft))
    elif (hard.number() or LEAST_WINDOWS) < LEAST_WINDOWS:
        yield note(hard, f"{hard.number()} MiB: agents on Windows raise it to {LEAST_WINDOWS}")


@rule(
    "taskdef.cpu",
    "CPU units",
    scope="definition",
    launch=(EXTERNAL, EC2),
    meaning="The task's CPU is optional, from 128 units; the older page ends at 10240, the present API text at 196608. "
    "The containers together stay within it. Windows containers ignore the task's CPU.",
    fine="CPU adds up, or is left to the scheduler",
    source=f"{sources.REGISTER}, field cpu; {sources.GUIDE} (2023), the same field",
)
def cpu(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("cpu")
    total = cpu_units(field.text()) if field.present else None
    if field.present and total is None:
        yield fail(field, f"{named(field.text())} is no amount of CPU", "give units (1024) or vCPUs (1 vCPU)")
    if field.present and case.windows:
        text = f"the task's CPU {_NOT_ON_WINDOWS}"
        yield warn(field, text, "give each container its own CPU", remove(field))
        total = None
    if total is not None:
        yield from _cpu_bounds(case, field, total)
    yield from over(case.containers, lambda container: _shares(case, container.at("cpu")))
    if total:
        wished = sum(container.at("cpu").number() or 0 for container in case.containers)
        if wished > total:
            text = f"the containers reserve {wished} CPU units, the task has {total}"
            yield fail(field, text, "give the task as much as its containers", put(field, str(wished)))


def _cpu_bounds(case: Case, field: Node, total: int) -> Iterator[Mark]:
    least = put(field, str(LEAST_CPU))
    if total < LEAST_CPU and case.launch == EXTERNAL:
        yield fail(field, f"{total} CPU units: a task has at least {LEAST_CPU}", "raise it or leave it out", least)
    elif total < LEAST_CPU:
        text = f"{total} CPU units: AWS's pages disagree whether EC2 takes less than {LEAST_CPU}"
        yield warn(field, text, "raise it or leave it out", least)
    elif total > MOST_CPU:
        yield fail(
            field, f"{total} CPU units: a task has at most {MOST_CPU}", "lower it or leave it out", remove(field)
        )
    elif total > MOST_CPU_OLD:
        text = f"{total} CPU units: an older page of AWS ends at {MOST_CPU_OLD}, the present one at {MOST_CPU}"
        yield warn(field, text, "keep the agents up to date, or leave it out", remove(field))


def _shares(case: Case, field: Node) -> Iterator[Mark]:
    number = field.number()
    if number is not None and number < 0:
        yield fail(field, f"{number} is no number of CPU units", "give 0 or more", put(field, 0))
    elif number and number > MOST_SHARES and not case.windows:
        text = f"{number} CPU units: Linux ends at {MOST_SHARES}, and agents from 1.84.0 pass that"
        yield warn(field, text, "lower it", put(field, MOST_SHARES))


@rule(
    "taskdef.fargate-size",
    "Fargate's sizes",
    scope="definition",
    launch=(FARGATE,),
    meaning="Fargate needs CPU and memory of the task, in the pairs of its table, and 1 to 4 vCPUs for Windows. "
    "Of a container memory is not below memoryReservation.",
    fine="a size that Fargate has",
    source=f"{sources.REGISTER}, field memory",
)
def fargate_size(case: Case, node: Node) -> Iterator[Mark]:
    cpu, memory = node.at("cpu"), node.at("memory")
    if not (cpu.present and memory.present):
        yield fail(memory if cpu.present else cpu, "Fargate needs CPU and memory of the task", "set cpu and memory")
        return
    units, size = cpu_units(cpu.text()), memory_mib(memory.text())
    sizes = fargate_memory(units or 0)
    if not sizes:
        known = ", ".join(map(str, FARGATE_PAIRS))
        yield fail(cpu, f"{named(cpu.text())} is no CPU size of Fargate", f"use one of {known}")
    elif size not in sizes:
        text = f"{named(memory.text())} of memory does not go with {cpu.text()} of CPU on Fargate"
        near = min(sizes, key=lambda other: (other < (size or 0), abs(other - (size or 0))))
        advice = f"use {sizes[0]} to {sizes[-1]} MiB, for example {near}"
        yield fail(memory, text, advice, put(memory, str(near)))
    if sizes and case.windows and (units or 0) < 1024:
        yield fail(cpu, "Windows containers on Fargate need at least 1 vCPU", "use 1024 or more CPU units")
    if sizes and case.windows and (units or 0) > MOST_CPU_WINDOWS:
        yield fail(cpu, "Windows containers on Fargate have at most 4 vCPUs", "use 4096 or fewer CPU units")
    yield from over(case.containers, lambda container: _container(container, True, False))
    yield from over(case.containers, lambda container: _shares(case, container.at("cpu")))
    wished = sum(container.at("cpu").number() or 0 for container in case.containers)
    held = sum(_reserved(container) for container in case.containers)
    if units and wished > units:
        yield fail(cpu, f"the containers reserve {wished} CPU units, the task has {units}", "raise the task's CPU")
    if size and held > size:
        yield fail(memory, f"the containers reserve {held} MiB, the task has {size}", "raise the task's memory")


@rule(
    "taskdef.ephemeral-storage",
    "ephemeral storage",
    scope="definition",
    meaning="Only Fargate sizes ephemeral storage, 21 to 200 GiB; elsewhere it is the host's disk.",
    fine="ephemeral storage where it exists",
    source=f"{sources.API}, type EphemeralStorage",
)
def ephemeral_storage(case: Case, node: Node) -> Iterator[Mark]:
    storage = node.at("ephemeralStorage")
    if not storage.present:
        return
    if case.launch != FARGATE:
        text = "only Fargate sizes ephemeral storage"
        yield fail(storage, text, "take it out; the host's disk is what there is", remove(storage))
        return
    size = storage.at("sizeInGiB")
    number = size.number()
    if number is None or not 21 <= number <= 200:
        near = 21 if (number or 0) < 21 else 200
        yield fail(size, "Fargate's ephemeral storage is 21 to 200 GiB", f"use {near}", put(size, near))
