"""Rules on what containers share with the host and with each other, and on Linux settings."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.rule import FARGATE, Case, Mark, fail, over, remove, rule, skip, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import named

IPC_SYSCTLS = frozenset(
    [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ]
)

# Values of RegisterDaemonTaskDefinition.
_OF_DAEMONS = ("shared", "none")


@rule(
    "taskdef.pid-ipc-mode",
    "process and IPC namespaces",
    scope="definition",
    meaning="pidMode is host or task, ipcMode host, task or none, on Linux. Fargate takes pidMode task only and no "
    "ipcMode; Windows containers have neither.",
    fine="namespaces that the launch type has",
    source=f"{sources.REGISTER}, fields pidMode and ipcMode",
)
def pid_ipc_mode(case: Case, node: Node) -> Iterator[Mark]:
    for field, values in ((node.at("pidMode"), ("host", "task")), (node.at("ipcMode"), ("host", "task", "none"))):
        name, text = field.pointer[1:], field.text()
        if not text:
            continue
        if text not in values:
            is_daemon = text in _OF_DAEMONS
            why = f"{name} {text} exists in daemon task definitions only" if is_daemon else f"{text} is no {name}"
            yield fail(field, why, f"use {' or '.join(values)}", remove(field))
        elif case.windows:
            yield fail(field, f"Windows containers have no {name}", "take it out", remove(field))
        elif case.launch == FARGATE and name == "ipcMode":
            yield fail(field, "Fargate has no ipcMode", "take it out", remove(field))
        elif case.launch == FARGATE and text != "task":
            yield fail(field, "Fargate shares processes within the task only", "use task", remove(field))


@rule(
    "taskdef.privileged",
    "privileged containers",
    scope="container",
    meaning="Fargate and Windows have no privileged containers; EC2 and external instances do unless the agent's "
    "ECS_DISABLE_PRIVILEGED says otherwise.",
    fine="no privilege that the launch type refuses",
    source=f"{sources.REGISTER}, field privileged",
)
def privileged(case: Case, node: Node) -> Iterator[Mark]:
    switch = node.at("privileged")
    if not switch.flag():
        return
    if case.launch == FARGATE:
        yield fail(switch, "Fargate has no privileged containers", "take it out", remove(switch))
    elif case.windows:
        yield fail(switch, "Windows has no privileged containers", "take it out", remove(switch))


@rule(
    "taskdef.linux-parameters",
    "Linux parameters",
    scope="container",
    meaning="Windows containers take no linuxParameters. Fargate refuses devices, shared memory size and swap "
    "settings, "
    "and adds no capability but SYS_PTRACE.",
    fine="parameters that the launch type has",
    source=f"{sources.API}, types LinuxParameters and KernelCapabilities",
)
def linux_parameters(case: Case, node: Node) -> Iterator[Mark]:
    parameters = node.at("linuxParameters")
    if not parameters.filled:
        return
    if case.windows:
        yield fail(parameters, "Windows containers take no Linux parameters", "take them out", remove(parameters))
    elif case.launch == FARGATE:
        for name in ("devices", "sharedMemorySize", "maxSwap", "swappiness"):
            field = parameters.at(name)
            if field.filled:
                yield fail(field, f"Fargate does not take {name}", "take it out", remove(field))
        for added in reversed(list(parameters.at("capabilities", "add").each())):
            if added.text() != "SYS_PTRACE":
                text = f"Fargate adds no capability but SYS_PTRACE, so not {added.text()}"
                yield fail(added, text, "take it out", remove(added))


@rule(
    "taskdef.sysctl",
    "kernel parameters",
    scope="container",
    meaning="Only namespaced parameters can be set: net.* and those of IPC. net.* is not the container's own with "
    "network mode host, IPC ones not with ipcMode host; several containers of one awsvpc task share net.*. Windows "
    "containers take none.",
    fine="kernel parameters of the container's own",
    source=f"{sources.API}, type SystemControl; {sources.REGISTER}, field ipcMode",
)
def sysctl(case: Case, node: Node) -> Iterator[Mark]:
    controls = node.at("systemControls")
    if controls.filled and case.windows:
        yield fail(controls, "Windows containers take no kernel parameters", "take them out", remove(controls))
        return
    yield from over(controls.each(), lambda control: _control(case, node, control))


def _control(case: Case, container: Node, control: Node) -> Iterator[Mark]:
    name = control.at("namespace").text()
    is_net = name.startswith("net.")
    if not is_net and name not in IPC_SYSCTLS and not name.startswith("fs.mqueue."):
        text = f"{named(name)} is not a namespaced kernel parameter"
        yield fail(control, text, "set it on the hosts", remove(control))
    elif is_net and case.mode == "host":
        text = f"with network mode host {name} is the host's: docker refuses it"
        yield fail(control, text, "set it on the hosts, or use bridge", remove(control))
    elif not is_net and case.node.at("ipcMode").text() == "host":
        text = f"with ipcMode host {name} is the host's"
        yield fail(control, text, "set it on the hosts", remove(control))
    elif is_net and case.mode == "awsvpc":
        setters = [other for other in case.containers if _sets_net(other)]
        if len(setters) > 1 and setters[0].pointer != container.pointer:
            text = f"the containers of an awsvpc task share {name}: whoever starts last wins"
            yield warn(control, text, "set it in one container", remove(control))


def _sets_net(container: Node) -> bool:
    return any(item.at("namespace").text().startswith("net.") for item in container.at("systemControls").each())


@rule(
    "taskdef.exec-readonly",
    "ECS Exec and a read-only root",
    scope="container",
    meaning="ECS Exec writes into the container, so it does not work with a read-only root file system. Whether it "
    "is on "
    "is said by the service or the request.",
    fine="ECS Exec can write",
    source=f"{sources.GUIDE}, ecs-exec",
)
def exec_readonly(case: Case, node: Node) -> Iterator[Mark]:
    switch = node.at("readonlyRootFilesystem")
    if not switch.flag():
        return
    if case.windows:
        yield fail(switch, "Windows has no read-only root file system", "take it out", remove(switch))
        return
    users = case.definition.services if case.definition else ()
    if any(service.node.at("enableExecuteCommand").flag() for service in users):
        text = "the service turns ECS Exec on, which cannot write to a read-only root"
        yield fail(switch, text, "take one of the two out", remove(switch))
    elif not users:
        yield skip(switch, "read-only root: ECS Exec will not work, if the service turns it on")
