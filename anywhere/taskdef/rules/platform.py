"""Rules on where a definition may run: launch types, processor, devices, and what only some hosts have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.documents.numbers import whole
from anywhere.taskdef.rule import (
    EC2,
    EVERY,
    EXTERNAL,
    FARGATE,
    MANAGED,
    Case,
    Mark,
    fail,
    note,
    over,
    put,
    remove,
    rule,
    warn,
)
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.registered import others
from anywhere.taskdef.shapes.faults import is_placeholder
from anywhere.taskdef.source.node import Node

COMPATIBILITIES = ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")
ARCHITECTURES = ("X86_64", "ARM64")
_FAMILY_ENDINGS = ("_FULL", "_CORE")
_WINDOWS_RELEASES = ("2016", "2019", "2022", "20H2")
_OTHER_RELEASES = ("2004", "2025")
_NOT_ON_FARGATE = ("2016", "2004", "20H2")


@rule(
    "taskdef.compatibility",
    "launch types that it is registered for",
    scope="definition",
    launch=EVERY,
    meaning="`requiresCompatibilities` makes ECS check the definition against each launch type when it is registered. "
    "FARGATE needs the network mode awsvpc and EXTERNAL refuses it, so the two exclude each other. `compatibilities`, "
    "in what describe-task-definition prints, is ECS's own verdict.",
    fine="registered for this launch type",
    source=f"{sources.REGISTER}, field requiresCompatibilities; {sources.RUN_EXTERNAL}",
)
def compatibility(case: Case, node: Node) -> Iterator[Mark]:
    listed, wanted = node.at("requiresCompatibilities"), case.launch.upper().replace("-", "_")
    names = [item.text() for item in listed.each()]
    for item in listed.each():
        if item.text() not in COMPATIBILITIES:
            valid = ", ".join(COMPATIBILITIES)
            yield fail(item, f"{item.text()} is no launch type", f"use one of {valid}", remove(item))
    excluded = {"EXTERNAL": "FARGATE", "FARGATE": "EXTERNAL"}.get(wanted, "")
    kept = [name for name in names if name in COMPATIBILITIES and name != excluded]
    if wanted in names and excluded in names:
        text = "FARGATE needs the network mode awsvpc and EXTERNAL refuses it: registration fails"
        yield fail(listed, text, f"keep one of them; for this launch type {wanted}", put(listed, kept))
    elif names and wanted not in names:
        text = f"asks ECS to check it for {', '.join(names)}, not for {wanted}"
        yield warn(listed, text, f"add {wanted} and register a new revision", put(listed, [*kept, wanted]))
    elif not names:
        yield from _unstated(case, listed, wanted)
    if not {wanted, excluded} <= set(names):
        yield from others(case, listed, wanted)
    verdict = node.at("compatibilities")
    if verdict.filled and wanted not in [item.text() for item in verdict.each()]:
        text = f"ECS itself does not list {wanted} for this revision: run-task and create-service refuse it"
        yield fail(verdict, text, "fix the other findings and register a new revision")


def _unstated(case: Case, listed: Node, wanted: str) -> Iterator[Mark]:
    if case.launch == FARGATE:
        text = "not stated: such a revision is often refused later, as not supporting launch type FARGATE"
        yield warn(listed, text, "state FARGATE", put(listed, [wanted]))
    else:
        yield note(listed, f"not stated: ECS checks nothing at registration, and would with {wanted}")


@rule(
    "taskdef.architecture",
    "processor and operating system",
    scope="definition",
    launch=EVERY,
    meaning="`runtimePlatform` names the processor and the operating system. Windows Server 2016 cannot host awsvpc tasks, "
    "Fargate has 2019 and newer, managed instances run Linux. AWS's text speaks of EC2, Fargate and "
    "managed instances only; external agents report `ecs.cpu-architecture` and `ecs.os-type` all the same.",
    fine="the platform exists",
    source=f"{sources.REGISTER}, type RuntimePlatform; {sources.EXTERNAL_PAGE}, supported operating systems; "
    f"{sources.AWSVPC_PAGE}, Windows; {sources.MANAGED_PAGE}",
)
def architecture(case: Case, node: Node) -> Iterator[Mark]:
    platform = node.at("runtimePlatform")
    family, cpu = platform.at("operatingSystemFamily"), platform.at("cpuArchitecture")
    if family.text():
        yield from _family(case, family)
    if cpu.text() and cpu.text() not in ARCHITECTURES:
        yield fail(cpu, f"{cpu.text()} is no processor architecture of ECS", "use X86_64 or ARM64")
    elif cpu.text() == "ARM64" and case.windows:
        yield fail(cpu, "Windows containers run on X86_64 only", "use X86_64", put(cpu, "X86_64"))
    elif cpu.text() and case.launch == EXTERNAL:
        yield note(cpu, f"needs {cpu.text()} hosts; AWS's text on runtimePlatform leaves external instances out")


def _family(case: Case, family: Node) -> Iterator[Mark]:
    text = family.text()
    if text == "LINUX":
        return
    if case.launch == MANAGED:
        yield fail(family, "managed instances run Linux containers", "use EC2, Fargate or external instances")
        return
    release = text.removeprefix("WINDOWS_SERVER_")
    for ending in _FAMILY_ENDINGS:
        release = release.removesuffix(ending)
    if not text.startswith("WINDOWS_SERVER_") or release not in (*_WINDOWS_RELEASES, *_OTHER_RELEASES):
        yield fail(family, f"{text} is no operating system of ECS", "use LINUX or a WINDOWS_SERVER_ family")
    elif case.launch == FARGATE and release in _NOT_ON_FARGATE:
        yield fail(family, f"Fargate has no Windows Server {release}", "use WINDOWS_SERVER_2019 or 2022")
    elif case.launch == EC2 and release == "2016" and case.mode == "awsvpc":
        text = "Windows Server 2016 cannot host tasks with awsvpc"
        yield fail(family, text, "use Windows Server 2019 or newer, or leave the network mode out")
    elif case.launch == EXTERNAL and release not in _WINDOWS_RELEASES:
        text = f"Windows Server {release} is not on the list for external instances"
        yield warn(family, text, "use Windows Server 2016, 2019, 2022 or 20H2 hosts")


@rule(
    "taskdef.gpu",
    "graphics processors",
    scope="container",
    launch=EVERY,
    meaning="GPUs work on external instances of Linux registered with `--enable-gpu`; sharing a GPU does not, Fargate and "
    "agents on Windows have none, and Neuron devices belong to managed instances, one container of a task. All containers "
    "share GPUs, or none.",
    fine="no GPU that the launch type does not have",
    source=f"{sources.REGISTER}, type ResourceRequirement; {sources.GUIDE}, ecs-gpu; amazon-ecs-agent, "
    "agent/app/agent_windows.go, getPlatformDevices",
)
def gpu(case: Case, node: Node) -> Iterator[Mark]:
    yield from over(node.at("resourceRequirements").each(), lambda item: _device(case, item))
    yield from over([node], lambda node: _among(case, node), quiet=True)


def _among(case: Case, container: Node) -> Iterator[Mark]:
    """What does not go with the devices that an earlier container of the task asks for."""
    place = [one.pointer for one in case.containers].index(container.pointer)
    before = [item for one in case.containers[:place] for item in one.at("resourceRequirements").each()]
    kinds = {item.at("type").text() for item in before}
    shares = {item.at("sharingStrategy").present for item in before if item.at("type").text() == "GPU"}
    for item in container.at("resourceRequirements").each():
        kind = item.at("type").text()
        if kind == "NeuronDevice" and kind in kinds:
            yield fail(item, "a second container with Neuron devices: a task has one", "keep one", remove(item))
        elif (
            kind == "GPU"
            and shares
            and item.at("sharingStrategy").present not in shares
            and case.launch in (EC2, MANAGED)
        ):
            text = "one container shares a GPU and another has one of its own: a task takes one of the two"
            yield fail(item, text, "give all of them a value, or all of them a sharingStrategy")


def _device(case: Case, item: Node) -> Iterator[Mark]:
    kind, value, sharing = item.at("type").text(), item.at("value"), item.at("sharingStrategy")
    if kind == "InferenceAccelerator":
        return
    if kind == "NeuronDevice" and case.launch == MANAGED:
        if value.text() != "ALL":
            yield fail(value, "Neuron devices are asked for as ALL", "use ALL", put(value, "ALL"))
    elif kind == "NeuronDevice":
        yield fail(item, "Neuron devices exist on managed instances only", "take it out", remove(item))
    elif kind != "GPU":
        yield fail(item.at("type"), f"{kind or 'no type'} is no resource type", "use GPU", remove(item))
    elif case.launch in (EXTERNAL, EC2) and case.windows:
        text = "agents on Windows report no GPUs: the task is never placed"
        yield fail(item, text, "take it out, or use Linux containers", remove(item))
    elif case.launch == FARGATE:
        yield fail(item, "Fargate has no GPUs", "take it out, or run it on EC2 or external instances", remove(item))
    elif sharing.present and case.launch == EXTERNAL:
        text = "sharing a GPU is not supported on external instances"
        yield fail(sharing, text, "ask for whole GPUs by value", remove(sharing), put(value, "1"))
    elif sharing.present and value.present:
        yield fail(value, "value and sharingStrategy exclude each other", "keep one", remove(value))
    elif not sharing.present and _is_part(value.text()):
        if case.launch == EXTERNAL:
            text = "external instances have no fractional GPUs; EC2 has them (G6f)"
            yield fail(value, text, "ask for whole GPUs", put(value, "1"))
    elif (
        not sharing.present and value.text() != "ALL" and not (_is_count(value.text()) or is_placeholder(value.text()))
    ):
        yield fail(value, "the number of GPUs must be 1 or more, or ALL", "give a number")
    elif case.launch == EXTERNAL:
        yield note(item, "needs hosts registered with --enable-gpu")


_PART = re.compile(r"0?\.[0-9]+")


def _is_count(text: str) -> bool:
    return bool(whole(text))


def _is_part(text: str) -> bool:
    """A decimal value below one (developer guide, ecs-gpu-specifying)."""
    return _PART.fullmatch(text) is not None and float(text) > 0


@rule(
    "taskdef.inference-accelerator",
    "Elastic Inference accelerators",
    scope="definition",
    meaning="External agents take the Elastic Inference capability out, so such a task is never placed. Elastic Inference has "
    "ended, and ECS refuses `inferenceAccelerators` of new revisions.",
    fine="no accelerator asked for",
    source=f"{sources.AGENT_CAPABILITY}; {sources.API}, ListServiceDeployments (note on Elastic Inference); "
    f"{sources.SEEN}, pf-ecs-fargate-inference-accelerator (answer: unsupported field)",
)
def inference_accelerator(case: Case, node: Node) -> Iterator[Mark]:
    accelerators = node.at("inferenceAccelerators")
    users = [
        item
        for container in case.containers
        for item in container.at("resourceRequirements").each()
        if item.at("type").text() == "InferenceAccelerator"
    ]
    if not (accelerators.filled or users):
        return
    at = accelerators if accelerators.filled else users[0]
    edits = [remove(item) for item in reversed(users)] + ([remove(accelerators)] if accelerators.filled else [])
    if case.launch == EC2 and node.at("compatibilities").filled:  # registered while ECS took it
        text = "Elastic Inference has ended: ECS takes no new revision with accelerators"
        yield warn(at, text, "move to GPU instances or another accelerator", *edits)
    elif case.launch == EC2:
        text = "Elastic Inference has ended: ECS refuses the accelerators"
        yield fail(at, text, "move to GPU instances or another accelerator", *edits)
    else:
        text = "Elastic Inference is not available here: the task is never placed"
        yield fail(at, text, "take the accelerators out", *edits)


@rule(
    "taskdef.fault-injection",
    "fault injection",
    scope="definition",
    launch=EVERY,
    meaning="External agents take the fault-injection capability out, so a task that asks for it is never placed. On EC2 "
    "it needs network mode awsvpc or host, and Windows has none.",
    fine="not asked for, or available",
    source=f"{sources.AGENT_CAPABILITY}; {sources.GUIDE}, fault-injection",
)
def fault_injection(case: Case, node: Node) -> Iterator[Mark]:
    switch = node.at("enableFaultInjection")
    if not switch.flag():
        return
    if case.launch == EXTERNAL:
        yield fail(switch, "fault injection is not available on external instances", "take it out", remove(switch))
    elif case.windows:
        yield fail(switch, "fault injection is not available on Windows", "take it out", remove(switch))
    elif case.launch == EC2 and case.mode not in ("awsvpc", "host"):
        text = f"fault injection needs network mode awsvpc or host, not {case.mode}"
        yield fail(switch, text, "take it out, or change the network mode", remove(switch))
