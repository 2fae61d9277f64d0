"""What ecs.config asks for and the agent goes on without: such features fail at placement, without a word."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.checks.agents.refusals import of_symptom
from anywhere.checks.base import REGISTER_BRINGS, Check, check, passed, skipped, trouble
from anywhere.checks.remedies import remedy
from anywhere.facts.agents.agents import agents
from anywhere.facts.agents.ecs_config import EcsConfig, ecs_config, is_true
from anywhere.facts.agents.ecs_log import Symptom, agent_log, message
from anywhere.facts.system.gpu import DRIVER, INFO_FILE, Gpus, gpus
from anywhere.hosts.base import Host
from anywhere.model import Finding, Status
from anywhere.settings import Settings

ID = "agents.features"
GPU = "ECS_ENABLE_GPU_SUPPORT"


@check(ID)
def features_check(host: Host, settings: Settings) -> Iterator[Finding]:
    """GPU support that is on and finds nothing: tasks that need it are never placed here."""
    here, config = agents(host), ecs_config(host)
    if not here.has_ecs:
        yield skipped(ID, "ecs-agent", REGISTER_BRINGS)
    elif not is_true(config.agent.get(GPU, "")):
        yield passed(ID, "ecs.config", "GPU support is off")
    else:
        yield _gpu(host, config)


def _gpu(host: Host, config: EcsConfig) -> Finding:
    found, log = gpus(host), agent_log(host)
    said = next((one for one in log.lost if one.kind == "gpu"), None) if log else None
    lacking = _lacking(found)
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
            "Install the NVIDIA driver and nvidia-container-toolkit, then restart Docker "
            f"and ecs: ecs-init writes {INFO_FILE}. On a host without a GPU remove {GPU} from {config.sources[GPU]}."
            if lacking
            else "Restart ecs: the driver was fixed after the agent had started.",
            *(() if lacking else (("systemctl", "restart", "ecs"),)),
            look=(("nvidia-smi", "-L"),),
        ),
        evidence={"lacking": lacking, "devices": list(found.devices), **(of_symptom(said) if said else {})},
    )


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
