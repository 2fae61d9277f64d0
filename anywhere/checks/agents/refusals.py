"""What the agents complain about, in words for a report: the line quoted, AWS's refusals with role and action."""

from __future__ import annotations

import re
from dataclasses import replace

from anywhere.catalogue.daemon_lines.base import Matched, match
from anywhere.catalogue.daemon_lines.containers import RUNC_LINES
from anywhere.catalogue.daemon_lines.ecs_init import PACKAGE
from anywhere.catalogue.daemon_lines.refusals import denied_fix, refusing_policy
from anywhere.checks.agents.shared import unshared
from anywhere.checks.remedies import Command, install, line_out, remedy
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.ecs_config import PATHS, USER, ecs_config
from anywhere.facts.agents.ecs_log import AgentLog, Symptom, message
from anywhere.facts.agents.init_log import init_complaint
from anywhere.facts.agents.registration import SAVED_STATE
from anywhere.hosts.base import Host
from anywhere.model import Remedy

ACTION = re.compile(r"not authorized to perform: ?([a-z0-9-]+:\w+)|(?:Exception|perform):? .{0,80}?\b(ecs:\w+)")
STATE_FILE = f"{SAVED_STATE.rpartition('/')[0]}/ecs_agent_data.json"
ROLE = re.compile(r"assumed-role/([^/\s]+)/")
# What is refused where the line does not name the action: by the call that it is about.
CALLS = (
    (
        re.compile(r"RegisterContainerInstance|re-?registering container instance|Unable to register", re.I),
        "ecs:RegisterContainerInstance",
    ),
    (re.compile(r"DiscoverPollEndpoint|discover poll", re.I), "ecs:DiscoverPollEndpoint"),
    (re.compile(r"\bTCS\b|ecs-t-|telemetry", re.I), "ecs:StartTelemetrySession"),
    (re.compile(r"\bACS\b|ecs-a-", re.I), "ecs:Poll"),
    (re.compile(r"CreateCluster|create cluster", re.I), "ecs:CreateCluster"),
)


def complaint(host: Host, log: AgentLog | None) -> Symptom | None:
    """The complaint that explains the agent's state: one that names a cause, else the latest of its log, else what
    ecs-init said, else the last line of level error or critical."""
    symptoms = log.symptoms if log else ()
    known = [one for one in symptoms if one.row.cause]
    if known:
        same = [one for one in known if one.kind == known[-1].kind]
        return replace(same[0], also=tuple(one.line for one in same[1:]))
    if symptoms:
        return symptoms[-1]
    return init_complaint(host) or (Symptom("other", "", log.last) if log and log.last and not log.acs else None)


def refused_actions(symptom: Symptom) -> list[str]:
    """The actions of a refusal, as far as its lines give them away."""
    return list(dict.fromkeys(filter(None, map(_action, (symptom.line, *symptom.also)))))


def _action(line: str) -> str:
    if found := ACTION.search(line):
        return found[1] or found[2]
    return next((action for pattern, action in CALLS if pattern.search(line)), "")


def quoted_line(symptom: Symptom | None) -> str:
    """The rest of a summary: what the line means, and the line itself."""
    if symptom is None:
        return ""
    return f': it {meaning(symptom)}: "{message(symptom.line)}"'


def meaning(symptom: Symptom) -> str:
    """What the complaint means, with the action and the role of a refusal."""
    if known := _of_runtime(symptom):
        return f"{symptom.row.says}: {known.says}"
    if symptom.kind != "denied":
        return symptom.row.says
    role = ROLE.search(symptom.line)
    whose = f"role {role[1]}" if role else "the role of this instance"
    by = refusing_policy(symptom.line)
    if by:
        article = "an" if by.startswith(("i", "e")) else "a"
        by = f" (refused by {article} {by}{'' if by.endswith('boundary') else ' policy'})".replace("vpc", "VPC")
    return (
        f"is refused by AWS: {whose} may not call {' and '.join(refused_actions(symptom)) or 'what the line names'}{by}"
    )


def _of_runtime(symptom: Symptom) -> Matched | None:
    """What runc or containerd says in the line; the agents' logs escape the quotes in it."""
    return match(RUNC_LINES, symptom.line.replace('\\"', '"')) if symptom.kind == "runtime" else None


# Rows of RUNC_LINES that a limit of the kernel answers.
LIMITS = ("keyring", "namespaces", "seccomp-room")
_STAMP = re.compile(r'\btime="?([^"\s]+)')


def well_now(symptom: Symptom) -> str:
    """The fix for a complaint about the way to AWS: what the probes find, or a restart where they find nothing."""
    stamp = _STAMP.search(symptom.line)
    when = f" ({stamp[1]})" if stamp else ""
    return (
        "Fix what the findings about the network name, then restart the agent, which waits up to half an hour. Where "
        f"they name nothing, the way works now: since its last complaint{when} the proxy, the CA, the settings or the "
        "clock was corrected, and the agent started before that. Restart it."
    )


def of_symptom(symptom: Symptom) -> dict[str, object]:
    """The evidence: kind, channel, the whole line, whether the way to AWS is at fault."""
    found: dict[str, object] = {
        "symptom": symptom.kind,
        "channel": symptom.channel,
        "line": symptom.line,
        "network": symptom.row.network,
    }
    if symptom.kind == "denied":
        role = ROLE.search(symptom.line)
        found |= {"actions": refused_actions(symptom), "role": role[1] if role else ""}
    return found


COMMANDS: dict[str, tuple[Command, ...]] = {
    "state": (
        ("systemctl", "stop", "ecs"),
        ("mv", SAVED_STATE, f"{SAVED_STATE}.damaged"),
        ("systemctl", "start", "ecs"),
    ),
    "state-file": (
        ("systemctl", "stop", "ecs"),
        ("mv", STATE_FILE, f"{STATE_FILE}.damaged"),
        ("systemctl", "start", "ecs"),
    ),
    "type-changed": (
        ("systemctl", "stop", "ecs"),
        ("mv", SAVED_STATE, f"{SAVED_STATE}.other-type"),
        ("systemctl", "start", "ecs"),
    ),
    "clock": (("systemctl", "restart", "amazon-ssm-agent"), ("systemctl", "restart", "ecs")),
    "token": (("systemctl", "restart", "amazon-ssm-agent"), ("systemctl", "restart", "ecs")),
    "credentials": (("systemctl", "restart", "amazon-ssm-agent"), ("systemctl", "restart", "ecs")),
    "runtime": (("systemctl", "restart", "docker"), ("systemctl", "restart", "ecs")),
    "init-container": (("systemctl", "restart", "docker"), ("systemctl", "restart", "ecs")),
    "init-gpu-version": (("systemctl", "reboot"),),
}


def cause_of(host: Host, symptom: Symptom | None) -> str:
    """The cause of the row, or the one that explains it on this host; empty where the row has none."""
    cause = symptom.row.cause if symptom else ""
    if symptom and (known := _of_runtime(symptom)) and known.row.kind in LIMITS:
        return "kernel.limit"
    why = unshared(host) if symptom and symptom.kind == "credentials" else None
    return why.cause if why else cause


def fix_of(host: Host, symptom: Symptom | None) -> Remedy | None:
    """The fix of the row, with the commands that do it on this host; None where the row has none."""
    if symptom is None or not symptom.row.fix:
        return None
    if symptom.kind == "credentials" and (why := unshared(host)):
        return why.fix or Remedy(
            "Correct the setting of the SSM agent that the other finding names, then restart it and ecs."
        )
    if symptom.kind == "cluster-unknown":
        config = ecs_config(host)
        name, place = config.agent.get("ECS_CLUSTER", "default"), config.sources.get("ECS_CLUSTER", USER)
        region = config.agent.get("AWS_DEFAULT_REGION", "the region of the registration")
        if agents(host).registration.region not in ("", region):
            return Remedy("Give the ECS agent the region of the registration first: its cluster is there.")
        return remedy(
            host,
            f"Cluster {name!r} does not exist in {region} in the account of this registration: create it, or correct {place}. "
            "Then restart ecs.",
            ("vi", f"+{place.rpartition(':')[2]}" if ":" in place else "+1", place.partition(":")[0]),
            ("systemctl", "restart", "ecs"),
            look=(("grep", "-n", "ECS_CLUSTER", *PATHS),),
        )
    if symptom.kind == "state-limits":
        at = ecs_config(host).sources.get("ECS_ENABLE_TASK_CPU_MEM_LIMIT", "")
        return remedy(host, symptom.row.fix, *((line_out(at),) if ":" in at else ()), ("systemctl", "restart", "ecs"))
    if known := _of_runtime(symptom):
        return remedy(host, known.fix, *known.commands)
    if program := symptom.kind.removeprefix("init-") if symptom.kind in ("init-iptables", "init-sysctl") else "":
        return remedy(host, symptom.row.fix, *install(host, PACKAGE[program]), ("systemctl", "restart", "ecs"))
    ssm = agents(host).ssm_unit.service
    commands = COMMANDS.get(symptom.kind, ())
    named = tuple(tuple(ssm if word == "amazon-ssm-agent" else word for word in command) for command in commands)
    return remedy(host, denied_fix(symptom.kind, symptom.row.fix, symptom.line), *named)
