"""The host itself stands in the way."""

from __future__ import annotations

from tests.region.faults.registration import Rehearsal, setback

_HOLD = (
    "systemd-run --quiet --unit=holds-dpkg python3 -c "
    "\"import fcntl,time;f=open('/var/lib/dpkg/lock-frontend','w');fcntl.lockf(f,fcntl.LOCK_EX);time.sleep({})\"; sleep 0.5"
)
_FULL = "mkdir -p {0}; mount -t tmpfs -o size=64k tmpfs {0}; head -c 65536 /dev/zero >{0}/filled 2>/dev/null || true"


@setback("dpkg-locked", "another run of the package manager holds its lock", "package", "lock")
def dpkg_locked(rehearsal: Rehearsal) -> None:
    rehearsal.break_host(_HOLD.format(3600), "systemctl stop holds-dpkg")


@setback("dpkg-locked-for-a-while", "unattended-upgrades holds the lock for 15 seconds", "package", final=False)
def dpkg_locked_for_a_while(rehearsal: Rehearsal) -> None:
    rehearsal.break_host(_HOLD.format(15), "systemctl stop holds-dpkg 2>/dev/null || true")


@setback("dpkg-interrupted", "dpkg was killed in the middle: apt refuses, dpkg itself goes on", "package", final=False)
def dpkg_interrupted(rehearsal: Rehearsal) -> None:
    rehearsal.break_host("touch /var/lib/dpkg/updates/0000", "rm -f /var/lib/dpkg/updates/0000; dpkg --configure -a")


@setback("disk-full", "there is no room where the agent's image goes", "package", "No space left on device")
def disk_full(rehearsal: Rehearsal) -> None:
    rehearsal.break_host(_FULL.format("/var/cache/ecs"), "umount /var/cache/ecs")


@setback("disk-full-vault", "there is no room for the SSM agent's vault", "ssm", "no space left on device")
def disk_full_vault(rehearsal: Rehearsal) -> None:
    rehearsal.break_host(_FULL.format("/var/lib/amazon/ssm"), "umount /var/lib/amazon/ssm")


@setback("ssm-agent-dies", "the SSM agent dies at its start", "ssm")
def ssm_agent_dies(rehearsal: Rehearsal) -> None:
    _tell(rehearsal, "ssm-agent", "die")


@setback("ssm-agent-silent", "the SSM agent never opens its channel", "ssm", final=False)
def ssm_agent_silent(rehearsal: Rehearsal) -> None:
    _tell(rehearsal, "ssm-agent", "never-connect")


@setback("ssm-agent-slow", "the SSM agent needs 20 seconds to start", "ssm", final=False)
def ssm_agent_slow(rehearsal: Rehearsal) -> None:
    _tell(rehearsal, "ssm-agent", "slow=20")


@setback("ecs-agent-dies", "the ECS agent dies at its start", "ecs")
def ecs_agent_dies(rehearsal: Rehearsal) -> None:
    _tell(rehearsal, "ecs-agent", "die")


@setback("ecs-agent-never-connects", "the ECS agent registers, and opens no channel", "ecs")
def ecs_agent_never_connects(rehearsal: Rehearsal) -> None:
    _tell(rehearsal, "ecs-agent", "never-connect")


@setback("ecs-agent-slow", "the ECS agent needs 20 seconds to start", "ecs", final=False)
def ecs_agent_slow(rehearsal: Rehearsal) -> None:
    _tell(rehearsal, "ecs-agent", "slow=20")


@setback("introspection-taken", "another program listens on port 51678", "ecs", "address already in use")
def introspection_taken(rehearsal: Rehearsal) -> None:
    command = "systemd-run --quiet --unit=takes-51678 python3 -m http.server --bind 127.0.0.1 51678; sleep 1"
    rehearsal.break_host(command, "systemctl stop takes-51678")


@setback(
    "unit-cycle", "a drop-in orders docker after ecs: at boot systemd drops one of the two", "boot", "ordering cycle"
)
def unit_cycle(rehearsal: Rehearsal) -> None:
    _drop_in(rehearsal, "docker.service", "[Unit]\nAfter=ecs.service\n")


@setback("unit-waits", "a drop-in orders ecs after a unit whose start never ends", "ecs")
def unit_waits(rehearsal: Rehearsal) -> None:
    unit = "[Unit]\nDescription=Waits for a file server\n[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n"
    path = "/etc/systemd/system/wait-for-files.service"
    rehearsal.break_host(f"cat >{path} <<'END'\n{unit}END", f"systemctl stop wait-for-files; rm -f {path}")
    _drop_in(rehearsal, "ecs.service", "[Unit]\nRequires=wait-for-files.service\nAfter=wait-for-files.service\n")


@setback("docker-too-new", "dockerd takes clients from API 1.45 alone", "ecs", "is too old", suites=("trixie",))
def docker_too_new(rehearsal: Rehearsal) -> None:
    restart = "systemctl try-restart docker"
    rehearsal.healers.append(lambda: rehearsal.machine.sh(restart))
    _drop_in(rehearsal, "docker.service", "[Service]\nEnvironment=DOCKER_MIN_API_VERSION=1.45\n")
    rehearsal.machine.sh(restart)


@setback("docker-broken", "dockerd refuses its own settings", "docker", "unable to configure the Docker daemon")
def docker_broken(rehearsal: Rehearsal) -> None:
    script = (
        "mkdir -p /etc/docker; echo '{ \"mtu\": 1400, ' >/etc/docker/daemon.json; systemctl stop docker docker.socket"
    )
    rehearsal.break_host(script, "rm -f /etc/docker/daemon.json; systemctl reset-failed docker docker.socket || true")


def _tell(rehearsal: Rehearsal, agent: str, word: str) -> None:
    rehearsal.break_host(f"mkdir -p /etc/region; echo {word} >/etc/region/{agent}", f"rm -f /etc/region/{agent}")


def _drop_in(rehearsal: Rehearsal, unit: str, text: str) -> None:
    folder = f"/etc/systemd/system/{unit}.d"
    path = f"{folder}/50-site.conf"
    script = f"mkdir -p {folder}; cat >{path} <<'END'\n{text}END\nsystemctl daemon-reload"
    rehearsal.break_host(script, f"rm -f {path}; systemctl daemon-reload")
