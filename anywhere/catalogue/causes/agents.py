"""Causes in the agents, their registration, credentials and settings."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

_AGENT = "https://github.com/aws/amazon-ecs-agent"

AGENTS_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "credentials.static",
        "fail",
        "AWS keys on the host get in the agents' way",
        "The agents read the environment before the keys that the SSM agent renews; keys in root's default profile are "
        "overwritten by it.",
        "Names (never values) in ecs.config, units, /etc/environment, and root's credentials file.",
        "Take the keys out, or move them into a named profile; restart both agents.",
        f"{_AGENT} ecs-agent/credentials/providers; {_AGENT}/issues/2665",
    ),
    CauseText(
        "credentials.ec2-role",
        "fail or warn",
        "The host is an EC2 instance with a role",
        "Agents before 1.100.0, and image pulls from ECR to this day, take the instance's role before their own "
        "credentials. AWS does not support EC2 instances as external ones.",
        "169.254.169.254, asked directly: EC2's service that offers a role (warned where only tokens are answered).",
        "Detach the role, or close the metadata address to the host.",
        f"{_AGENT}/issues/3604, /pull/4788",
    ),
    CauseText(
        "credentials.foreign-metadata",
        "warn",
        "Another metadata service answers at 169.254.169.254",
        "Software that looks for EC2 there may take the answer for its identity; old SSM agents failed to register.",
        "An HTTP answer at 169.254.169.254, asked directly, that is not EC2's.",
        "Close the address to this host with a blackhole route.",
        "https://github.com/aws/amazon-ssm-agent/issues/134, /issues/484",
    ),
    CauseText(
        "registration.other",
        "fail",
        "The host belongs to another region or cluster",
        "AWS's installer compares neither: it keeps the old registration and ignores the new activation. An agent "
        "whose saved cluster differs from the configured one stops for good.",
        "The vault's region, ecs.config, the agent's introspection and its log, against what is asked for.",
        "Settings that were changed under an agent that has joined: set ECS_CLUSTER back, restart ecs; nothing is lost. "
        "Another cluster for good: `sudo anywhere move --cluster CLUSTER`. Another region: clear the registration and "
        "register with a fresh activation.",
        f"{_AGENT} scripts/ecs-anywhere-install.sh; agent/app/agent.go",
    ),
    CauseText(
        "registration.broken",
        "fail or warn",
        "The registration is incomplete",
        "Parts of it are there and others are not: a failed or cleared attempt, a half-finished installation, another "
        "machine's identity, or an instance that AWS has deregistered. A rerun of AWS's installer fixes none of them.",
        "The SSM vault (its instance's id, never its key), ecs.config, the package, and the agents' logs.",
        "Stop both agents, clear the registration and the saved state, then register with a fresh activation. Where ECS alone "
        "has deregistered the instance, only the saved state goes: stop ecs, move agent.db away, start ecs.",
        f"{_AGENT} scripts/ecs-anywhere-install.sh; amazon-ssm-agent agent/managedInstances",
    ),
    CauseText(
        "agent.duplicate-ssm",
        "fail",
        "Two SSM agents are installed",
        "Package and snap share one identity and fight over it; registration reaches whichever is called.",
        "The units amazon-ssm-agent.service and snap.amazon-ssm-agent.amazon-ssm-agent.service.",
        "Remove one, and put the proxy's settings where the remaining one reads them.",
        "https://github.com/aws/amazon-ssm-agent/issues/192",
    ),
    CauseText(
        "agent.disconnected",
        "fail or warn",
        "An agent runs without being connected, or does not run",
        "AWS shows the host as lost and places no tasks on it. Running tasks go on, but are not restarted.",
        "Units, the latest state in the agents' logs, the introspection, the end of the credentials.",
        "Fix what the log names, most often the network, then restart the agent: it retries only every half hour.",
        f"{_AGENT}/issues/4270; https://github.com/aws/amazon-ssm-agent/issues/202",
    ),
    CauseText(
        "agent.restart-loop",
        "fail",
        "An agent dies and is started again and again",
        "A final error (exit 5) loops for ever on Debian and Ubuntu, whose unit lacks the line that stops it.",
        "The unit's state auto-restart, or three starts in the agent's log without a success between them.",
        "Stop the service, fix what its log names, start it again; add RestartPreventExitStatus=5 to the unit.",
        f"{_AGENT} packaging/generic-deb-integrated/debian/ecs.service",
    ),
    CauseText(
        "config.invalid",
        "fail or warn",
        "A setting of the agent or of docker is not valid",
        "systemd and ecs-init read the file differently: quotes stay in the value for the agent, lines with export or "
        "blanks around = are lost, bad JSON stops it, and ECS_EXTERNAL must be the bare word true. Typographic quotes, notes "
        "behind a value, unknown regions and values that are no boolean or duration are read literally, or ignored.",
        "Both files, line by line, as each of the two readers takes them, against the table of settings.",
        "Correct the line that the finding names and restart the ecs service.",
        f"{_AGENT} ecs-init/docker/docker.go (getEnvVars)",
    ),
    CauseText(
        "config.duplicate",
        "warn",
        "A setting of ecs.config is given twice",
        "The last line counts, and /etc/ecs/ecs.config counts over /var/lib/ecs/ecs.config. Reruns of AWS's installer "
        "append, so an edit of the first line has no effect.",
        "Both files, line by line.",
        "Keep one of the lines and restart the ecs service.",
        f"{_AGENT} ecs-init/docker/docker.go (LoadEnvVars)",
    ),
    CauseText(
        "agent.state-damaged",
        "fail",
        "The ECS agent cannot load its saved state",
        "The agent ends at every start: agent.db is damaged, or names a task or container that is not in it (a crash, a full "
        "disk, a version that wrote it otherwise).",
        "The critical line of the agent's log, quoted; the unit in a restart loop.",
        "Stop ecs, move /var/lib/ecs/data/agent.db away, start ecs. The host becomes a new container instance; tasks that ran "
        "on it are orphaned. Then update the agent.",
        f"{_AGENT}/issues/4119, /pull/3987, /issues/1983",
    ),
    CauseText(
        "agent.not-authorized",
        "fail or warn",
        "AWS refuses an action of the agent's role",
        "AWS itself answered: the way there works. The role that the activation names lacks ecs:RegisterContainerInstance, "
        "ecs:Poll, ecs:StartTelemetrySession or another action, or an organization policy denies it.",
        "AccessDeniedException in the agent's log, in either message form of the SDK, or as the body of a refused channel.",
        "Attach AmazonEC2ContainerServiceforEC2Role and AmazonSSMManagedInstanceCore to the role; see whether Quick Setup has "
        "replaced it, or a service control policy denies the action.",
        f"{_AGENT}/issues/3812, /issues/102, /issues/2320, /issues/2591",
    ),
    CauseText(
        "agent.no-credentials",
        "fail",
        "The ECS agent finds no credentials that work",
        "It reads the default profile of root's credentials file, which the SSM agent writes. The file is empty or missing, or "
        "what is in it has expired.",
        "The names (never the values) in /root/.aws/credentials, and the agent's log.",
        "Restart the SSM agent, which writes the file again, then ecs.",
        "https://github.com/aws/amazon-ssm-agent/issues/650",
    ),
    CauseText(
        "agent.stale-environment",
        "fail",
        "A daemon still runs with what was true when it started",
        "A proxy, a CA or a setting was fixed later. The process keeps its old environment, so checks of the way pass and "
        "the daemon still fails.",
        "The environment of the process against its unit and settings files; the CA store, ecs.config and the clock against "
        "the service's start, where its log complains and every endpoint answers now.",
        "Restart the daemon: docker first, then the SSM agent, then ecs.",
        f"{_AGENT} ecs-init/docker/docker.go; https://github.com/aws/amazon-ssm-agent/issues/616",
    ),
    CauseText(
        "agent.feature-lost",
        "fail or warn",
        "The ECS agent goes on without a feature",
        "It registers and looks healthy, and tasks that need the feature are never placed on this host. A fail where a setting "
        "of ecs.config asks for the feature.",
        "The agent's own line since its last start: task roles, limits of tasks, the pause image, volumes, gMSA, metrics.",
        "Fix what the quoted line names, then restart ecs.",
        f"{_AGENT} agent/app/agent_capability.go, agent_unix.go",
    ),
    CauseText(
        "exec.not-ready",
        "fail",
        "ECS Exec lacks its programs or certificates",
        "Without them the agent does not offer ECS Exec. With a version's folder and only some of its programs the agent does "
        "not even register: it ends at its start, and logs no reason.",
        "The folders under /var/lib/ecs/deps/execute-command, as the agent looks for them. Without --with exec only a half set "
        "is reported.",
        "Bring the complete set, or take the half one away; then restart ecs.",
        f"{_AGENT} agent/app/agent_capability.go (appendExecCapabilities)",
    ),
    CauseText(
        "gpu.not-found",
        "fail",
        "GPU support is on, and the agent finds no GPU",
        "The agent goes on without it: it registers, and tasks that need a GPU are never placed on this host.",
        "ECS_ENABLE_GPU_SUPPORT, NVIDIA's driver and devices, the list that ecs-init writes, and the agent's log.",
        "Install the driver and nvidia-container-toolkit, then restart docker and ecs.",
        f"{_AGENT}/issues/4786, /issues/3823",
    ),
)
