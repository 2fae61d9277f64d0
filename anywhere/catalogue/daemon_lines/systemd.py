"""What systemd writes of a unit that it does not run. Source: systemd.service(5), systemd.exec(5)."""

from __future__ import annotations

from anywhere.catalogue.daemon_lines.base import RELOAD, DaemonLine

SYSTEMD_LINES: tuple[DaemonLine, ...] = (
    DaemonLine(
        "not-executable",
        r"Failed at step EXEC spawning (?P<program>/\S+): Permission denied|"
        r"Failed to execute (?P<path>/\S+): Permission denied",
        "systemd may not start {program}{path}: permission denied",
        "Make it executable. Where it is, its file system is mounted noexec, or SELinux or AppArmor denies it.",
        "systemd.exec(5), execve(2) EACCES",
        (("chmod", "755", "{program}{path}"),),
        ready=True,
    ),
    DaemonLine(
        "step",
        r"Failed at step (?P<step>(?!EXEC\b|CHDIR\b)\w+) spawning (?P<program>\S+): (?P<why>.*)",
        "systemd cannot prepare {program} as its unit asks (step {step}): {why}",
        "A line of the unit or of its drop-ins asks for what this host does not give (LIMITS: a limit above what the host "
        "or the container that it is has; USER, GROUP: a name that is not there; CGROUP, NAMESPACE: a container without "
        "the right): `systemctl cat` shows them. Correct it, then reload systemd.",
        "systemd.exec(5), the table of exit codes",
    ),
    DaemonLine(
        "exec",
        r"Failed at step (?P<step>\w+) spawning (?P<program>\S+): (?P<why>.*)|Failed to (?:locate "
        r"executable|execute) (?P<path>\S+): (?P<reason>.*)",
        "systemd cannot start {program}{path}: {why}{reason} ({step})",
        "Install the program, or correct ExecStart= in the unit or its drop-ins.",
        "systemd.exec(5)",
    ),
    DaemonLine(
        "env-file",
        r"Failed to load environment files: (?P<why>.*)",
        "a file of EnvironmentFile= cannot be read: {why}",
        "Write the file, or put a minus before its name.",
        "systemd.exec(5)",
    ),
    DaemonLine(
        "two-starts",
        r"(?:has|with) more than one ExecStart= setting",
        "a drop-in adds an ExecStart= without emptying the first",
        "Put an empty `ExecStart=` line before it in the drop-in, then reload systemd.",
        "systemd.service(5)",
    ),
    DaemonLine(
        "cycle",
        r"Found ordering cycle on (?P<on>\S+?)/start|Job \S+/start deleted to break ordering cycle|Unable to break cycle "
        r"starting with",
        "systemd dropped its start at boot, because units form an ordering cycle ({on})",
        "A start by hand works until the next boot. To keep it, find the After= or Before= line that closes the cycle "
        "(`systemd-analyze verify default.target` lists it; the journal names its units), take it out of that unit or drop-in, "
        "and reload systemd.",
        "systemd src/core/transaction.c; amazon-ecs-init#377, nvidia-container-toolkit#1735",
        ready=True,
    ),
    DaemonLine(
        "timeout",
        r"(?P<unit>[\w@.-]+\.service): [Ss]tart(?:-pre|-post)? operation timed out",
        "systemd ended it, because its start took longer than its unit allows (TimeoutStartSec=)",
        "Give it more time (600 s here). What makes the start slow is a slow disk, or very many containers or images.",
        "systemd.service(5) TimeoutStartSec; docker/for-linux#222, moby#19380",
        (
            ("mkdir", "-p", "/etc/systemd/system/{unit}.d"),
            (
                "sh",
                "-c",
                "printf '[Service]\\nTimeoutStartSec=600\\n' > /etc/systemd/system/{unit}.d/zz-start-time.conf",
            ),
            RELOAD,
        ),
        ready=True,
    ),
    DaemonLine(
        "oom",
        r"(?:Failed with result 'oom-kill'|killed by the OOM killer|Out of memory: Killed process)",
        "the kernel ended it, for lack of memory",
        "Give the host more memory, or limit what its tasks may take.",
        "systemd.service(5) OOMPolicy",
    ),
)
