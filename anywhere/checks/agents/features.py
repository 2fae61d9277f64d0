"""What the agent goes on without, by its own words and by what it looks for: such tasks are never placed, without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anywhere.catalogue.checks import AFTER_REGISTRATION
from anywhere.checks.agents.exec_files import exec_findings
from anywhere.checks.agents.refusals import of_symptom
from anywhere.checks.base import Check, check, passed, skipped, trouble
from anywhere.checks.remedies import remedy
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.ecs_config import EcsConfig, ecs_config, is_true
from anywhere.facts.agents.ecs_log import Symptom, agent_log, message
from anywhere.facts.agents.init_log import init_complaint
from anywhere.facts.system.gpu import DRIVER, INFO_FILE, Gpus, gpus
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

ID = "agents.features"
GPU = "ECS_ENABLE_GPU_SUPPORT"
ASKED_BY: Mapping[str, tuple[str, ...]] = {
    "task-role": ("ECS_ENABLE_TASK_IAM_ROLE", "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST"),
    "task-limits": ("ECS_ENABLE_TASK_CPU_MEM_LIMIT",),
    "gmsa": ("ECS_GMSA_SUPPORTED",),
}


@check(ID)
def features_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """GPUs, ECS Exec, and what the agent's log says that it does without."""
    here, config = agents(host), ecs_config(host)
    if not here.has_ecs:
        yield skipped(ID, "ecs-agent", AFTER_REGISTRATION)
        return
    log = agent_log(host)
    lost = [_lost(host, config, said) for said in (log.lost if log else ()) if said.kind != "gpu"]
    yield from lost
    yield from exec_findings(host, settings)
    if is_true(config.agent.get(GPU, "")):
        yield _gpu(host, config)
    elif not lost:
        yield passed(ID, "ecs.config", "GPU support is off, and the log names nothing that the agent goes on without")


def _lost(host: Host, config: EcsConfig, said: Symptom) -> Finding:
    """A failure where a setting asks for it, a warning where the agent only offers it by itself."""
    name = next((name for name in ASKED_BY.get(said.kind, ()) if is_true(config.agent.get(name, ""))), "")
    row = said.row
    return trouble(
        ID,
        Status.FAIL if name else Status.WARN,
        config.sources.get(name, "") or "ecs-agent",
        f"{name} is on, and the agent {row.says}{_quote(said)}" if name else f"The agent {row.says}{_quote(said)}",
        cause=row.cause,
        # A restart alone changes nothing where something has to be put right before it.
        remedy=remedy(
            host, row.fix, *((("systemctl", "restart", "ecs"),) if row.fix.startswith("Restart ecs") else ())
        ),
        evidence=of_symptom(said),
    )


def _gpu(host: Host, config: EcsConfig) -> Finding:
    found, log = gpus(host), agent_log(host)
    said = next((one for one in log.lost if one.kind == "gpu"), None) if log else None
    lacking = _lacking(found)
    before = init_complaint(host) if lacking else None
    if not lacking and said is None:
        return passed(ID, GPU, f"the driver answers, {len(found.devices)} devices")
    return trouble(
        ID,
        Status.FAIL,
        config.sources[GPU],
        f"GPU support is on, and {_what(lacking)}: GPU tasks are never placed on this host" + _quote(said),
        cause="gpu.not-found",
        remedy=remedy(
            host,
            "Install the NVIDIA driver and nvidia-container-toolkit, then restart Docker and ecs: ecs-init writes "
            f"{INFO_FILE}. On a host without a GPU remove {GPU} from {config.sources[GPU]}."
            if lacking and not _of_gpu(before)
            else before.row.fix
            if before and _of_gpu(before)
            else "Restart ecs: the driver was fixed after the agent had started.",
            *(() if lacking else (("systemctl", "restart", "ecs"),)),
            look=(("nvidia-smi", "-L"),),
        ),
        evidence={"lacking": lacking, "devices": list(found.devices), **(of_symptom(said) if said else {})},
    )


def _of_gpu(said: Symptom | None) -> bool:
    """Whether ecs-init found the GPUs' devices, and ended at their library."""
    return said is not None and said.row.cause == "gpu.not-found"


def _lacking(found: Gpus) -> list[str]:
    return [
        name
        for name, missing in (
            (DRIVER, found.driver is False),
            ("/dev/nvidia0", not found.devices),
            (INFO_FILE, found.info is False),
        )
        if missing
    ]


def _what(lacking: list[str]) -> str:
    return f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing" if lacking else "the agent found none"


def _quote(said: Symptom | None) -> str:
    return f' ("{message(said.line)}")' if said else ""


CHECKS: tuple[Check, ...] = (features_check,)
