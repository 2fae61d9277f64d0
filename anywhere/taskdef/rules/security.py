"""Rules on what a container may do: capabilities, security options, trusted execution, its user."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anywhere.taskdef.rule import (
    EC2,
    EVERY,
    EXTERNAL,
    FARGATE,
    MANAGED,
    Case,
    Mark,
    fail,
    over,
    remove,
    rule,
    skip,
    warn,
)
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import show
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import words

CAPABILITIES = words(
    "ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID "
    "IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN "
    "NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT "
    "SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG "
    "WAKE_ALARM"
)
# What a host's agent has to be set to before an option works. Source: API reference, field dockerSecurityOptions.
SETTINGS = {"apparmor": "ECS_APPARMOR_CAPABLE", "label": "ECS_SELINUX_CAPABLE"}
EITHER = "ECS_SELINUX_CAPABLE or ECS_APPARMOR_CAPABLE"
_PRIVILEGES = "no-new-privileges"
_WORD = re.compile(r"[:=]")


def option_kind(text: str) -> str:
    """`apparmor`, `label`, `no-new-privileges`, `credentialspec` or `credentialspecdomainless`; empty for another."""
    word = _WORD.split(text, maxsplit=1)[0].lower()
    known = (*SETTINGS, _PRIVILEGES, "credentialspec", "credentialspecdomainless")
    return word if word in known else ""


@rule(
    "taskdef.capabilities",
    "kernel capabilities",
    scope="container",
    launch=EVERY,
    meaning="Capabilities are named as in the API's list, in capitals and without CAP_.",
    fine="capabilities that ECS knows",
    source=f"{sources.API}, type KernelCapabilities",
)
def capabilities(case: Case, node: Node) -> Iterator[Mark]:
    named = node.at("linuxParameters", "capabilities")
    for field in (named.at("add"), named.at("drop")):
        yield from over(field.each(), _capability)


def _capability(item: Node) -> Iterator[Mark]:
    text = item.text()
    if text in CAPABILITIES:
        return
    plain = text.upper().removeprefix("CAP_")
    edits = [("replace", item.pointer, plain)] if plain in CAPABILITIES else []
    yield fail(
        item, f"{show(text)} is not a capability that ECS knows", f"write {plain}" if edits else "take it out", *edits
    )


@rule(
    "taskdef.security-options",
    "security options",
    scope="container",
    launch=EVERY,
    meaning="`dockerSecurityOptions` are no-new-privileges, apparmor:PROFILE, label:VALUE and credentialspec:PATH. Fargate "
    "takes none. Elsewhere the host's agent must have been started with ECS_APPARMOR_CAPABLE or ECS_SELINUX_CAPABLE, or "
    "the task is never placed: `fit` tells which hosts have. Docker on Windows has credentialspec only.",
    fine="no security option",
    source=f"{sources.REGISTER}, field dockerSecurityOptions; {sources.MOBY}, daemon/oci_windows.go",
)
def security_options(case: Case, node: Node) -> Iterator[Mark]:
    options = node.at("dockerSecurityOptions")
    if options.filled and case.launch == FARGATE:
        yield fail(options, "Fargate takes no dockerSecurityOptions", "take them out", remove(options))
        return
    yield from over(options.each(), lambda item: _option(case, item))


def _option(case: Case, item: Node) -> Iterator[Mark]:
    text = item.text()
    kind = option_kind(text)
    if kind in (*SETTINGS, _PRIVILEGES) and case.launch in (EXTERNAL, EC2) and case.windows:
        why = f"{show(text)}: docker on Windows has no security option but credentialspec, and starts no container with it"
        yield fail(item, why, "take it out", remove(item))
    elif not kind:
        advice = "use no-new-privileges, apparmor:PROFILE, label:VALUE or credentialspec:PATH"
        yield fail(item, f"{show(text)} is not a security option of ECS", advice)
    elif kind in SETTINGS and not text[len(kind) :].lstrip(":="):
        yield fail(item, f"{kind} without a value", f"write {kind}:VALUE")
    elif kind in SETTINGS:
        setting = f"{SETTINGS[kind]}=true"
        advice = f"set {setting} in /etc/ecs/ecs.config of the hosts and restart ecs, or take the option out"
        yield warn(item, f"needs hosts whose agent has {setting}", advice)
    elif kind == _PRIVILEGES:
        yield skip(item, f"needs hosts whose agent has {EITHER}=true")


@rule(
    "taskdef.trusted-execution",
    "trusted execution",
    scope="definition",
    launch=EVERY,
    meaning="`trustedExecutionConfiguration` exists on managed instances only, and CONFIDENTIAL_SANDBOX needs an attestation "
    "policy.",
    fine="no trusted execution where there is none",
    source=f"{sources.API}, type TrustedExecutionConfiguration",
)
def trusted_execution(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("trustedExecutionConfiguration")
    if not field.present:
        return
    if case.launch != MANAGED:
        yield fail(field, "trusted execution exists on managed instances only", "take it out", remove(field))
    if field.at("isolationMode").text() == "CONFIDENTIAL_SANDBOX" and not field.at("attestationPolicy").filled:
        yield fail(field, "CONFIDENTIAL_SANDBOX needs an attestationPolicy", "add the policy")


@rule(
    "taskdef.windows-fields",
    "fields that Windows containers do not have",
    scope="container",
    launch=EVERY,
    meaning="Windows containers take no `disableNetworking`, and AWS does not support `environmentFiles` for them: Fargate "
    "refuses these, and `user`. Elsewhere the API text rules `user` out, while a rule of AWS Config asks for one and docker "
    "on Windows takes it. With awsvpc ECS was seen to refuse `disableNetworking`.",
    fine="no field that the containers' system does not have",
    source=f"{sources.REGISTER}, fields user and disableNetworking; {sources.FARGATE_PARAMETERS}; "
    "AWS: Config, ecs-task-definition-windows-user-non-admin; "
    "AWS: ECS developer guide, use-environment-file; aws/containers-roadmap#1626; "
    f"{sources.SEEN}, pf-ecs-fargate-disable-networking",
)
def windows_fields(case: Case, node: Node) -> Iterator[Mark]:
    files = node.at("environmentFiles")
    if files.filled and case.windows:
        text = "AWS does not support environment files for Windows containers"
        yield (fail if case.launch == FARGATE else warn)(files, text, "set the variables in environment or secrets")
    switch, user = node.at("disableNetworking"), node.at("user")
    if user.filled and case.windows and case.launch == FARGATE:
        yield fail(user, "Windows containers on Fargate take no user", "take it out", remove(user))
    elif user.filled and case.windows:
        text = "AWS's pages disagree on user of Windows containers: the API text rules it out, AWS Config asks for it"
        yield warn(user, text, "try it on a host, or set the user in the image", remove(user))
    if switch.flag() and case.windows:
        yield fail(switch, "Windows containers take no disableNetworking", "take it out", remove(switch))
    if switch.flag() and not case.windows and (case.launch == FARGATE or case.mode == "awsvpc"):
        text = "ECS was seen to refuse disableNetworking with awsvpc"
        yield warn(switch, text, "take it out, and let no security group rule lead to the task", remove(switch))
