"""The machine: operating system, architecture, kernel, init, control groups, SELinux, memory, disk, identity, ports."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.host import CGROUPS, MEMINFO, Daemon
from tests.region.software import register
from tests.region.world import World

MIB = 1 << 20
RPM = """#!/bin/sh
# A stand-in for rpm(8): `rpm -q --qf FORMAT NAME...` for the packages listed below.
shift; [ "$1" = --qf ] && shift 2
status=0
for name in "$@"; do
  version=$(sed -n "s/^$name //p" /var/lib/rpm/stand-in)
  if [ -n "$version" ]; then echo "$name $version installed"; else echo "package $name is not installed"; status=1; fi
done
exit $status
"""
ARM_HEADER = " 7f 45 4c 46 01 01 01 00 00 00 00 00 00 00 00 00\n 03 00 28 00"
UNAME = """#!/bin/sh
# What a kernel of another machine says of itself.
case "$1" in -m) echo {0} ;; -r) cat /proc/sys/kernel/osrelease ;; *) echo Linux ;; esac
"""
PROGRAMS = """#!/bin/sh
# The programs of another machine: `od` shows the header of one of them.
case "$*" in *N20*) printf '%s\\n' '{0}' ;; *) exit 1 ;; esac
"""


def os_release(world: World, name: str, version: str = "", like: str = "", pretty: str = "") -> None:
    """Another operating system by its os-release file."""
    lines = [f"ID={name}", f'PRETTY_NAME="{pretty or name}"', f'NAME="{pretty or name}"']
    lines += [f'VERSION_ID="{version}"'] if version else []
    lines += [f'ID_LIKE="{like}"'] if like else []
    world.host.files["/etc/os-release"] = "\n".join(lines) + "\n"
    world.host.files["/etc/debian_version"] = None


def red_hat(world: World, name: str = "rhel", version: str = "9.4", like: str = "fedora") -> None:
    """A server of that family: rpm in place of dpkg, its own place for the CA bundle."""
    os_release(world, name, version, like, "Red Hat Enterprise Linux")
    host = world.host
    host.manager = "rpm"
    host.bundle = "/etc/pki/tls/certs/ca-bundle.crt"
    host.programs["/usr/bin/rpm"] = RPM
    host.programs["/usr/bin/dnf"] = "#!/bin/sh\nexit 0\n"
    host.folders.append("/etc/pki/ca-trust/source/anchors")


@fault("os-not-supported", "the server runs Alpine Linux", "os.unsupported", "init.not-systemd")
def os_not_supported(world: World) -> None:
    os_release(world, "alpine", "3.20.3", "", "Alpine Linux v3.20")
    world.host.is_systemd = False


@fault("os-arch-linux", "the server runs Arch Linux", "os.unsupported")
def os_arch_linux(world: World) -> None:
    os_release(world, "arch", "", "", "Arch Linux")


@fault("os-of-arch-linux", "the server runs a derivative of Arch Linux", "os.unsupported")
def os_of_arch_linux(world: World) -> None:
    os_release(world, "manjaro", "", "arch", "Manjaro Linux")


@fault(
    "os-image-based",
    "the server was booted from an image of RHEL, whose /usr no package manager changes",
    "os.known-broken",
)
def os_image_based(world: World) -> None:
    red_hat(world)
    world.host.files["/run/ostree-booted"] = ""


@fault("os-image-with-agent", "the image of a registered server holds the agent", "os.unlisted")
def os_image_with_agent(world: World) -> None:
    register(world)
    world.host.files["/run/ostree-booted"] = ""


@fault("os-transactional", "the server runs openSUSE MicroOS, whose root is read-only", "os.known-broken")
def os_transactional(world: World) -> None:
    os_release(world, "opensuse-microos", "20261120", "suse opensuse opensuse-tumbleweed", "openSUSE MicroOS")


@fault("os-end-of-life", "the server runs Debian 10, whose support has ended", "os.end-of-life")
def os_end_of_life(world: World) -> None:
    os_release(world, "debian", "10", "", "Debian GNU/Linux 10 (buster)")


@fault("os-unlisted", "the server runs Linux Mint, a derivative that AWS does not list", "os.unlisted")
def os_unlisted(world: World) -> None:
    os_release(world, "linuxmint", "22", "ubuntu debian", "Linux Mint 22")


@fault("os-known-broken", "the server runs Ubuntu Core", "os.known-broken")
def os_known_broken(world: World) -> None:
    os_release(world, "ubuntu-core", "22", "", "Ubuntu Core 22")


@fault("os-unknown", "nothing says which operating system this is", "os.unknown")
def os_unknown(world: World) -> None:
    world.host.files |= dict.fromkeys(("/etc/os-release", "/usr/lib/os-release", "/etc/debian_version"))


@fault("arch-32-bit", "a board with a 32-bit ARM kernel", "arch.unsupported")
def arch_32_bit(world: World) -> None:
    world.host.programs["/usr/local/sbin/uname"] = UNAME.format("armv7l")
    world.host.programs["/usr/local/sbin/od"] = PROGRAMS.format(ARM_HEADER)
    world.host.programs["/usr/local/sbin/getconf"] = "#!/bin/sh\necho 32\n"


@fault("arch-userland", "a 64-bit ARM kernel under 32-bit programs", "arch.userland-mismatch")
def arch_userland(world: World) -> None:
    arch_32_bit(world)
    world.host.programs["/usr/local/sbin/uname"] = UNAME.format("aarch64")


@fault("no-systemd", "another init than systemd", "init.not-systemd")
def no_systemd(world: World) -> None:
    world.host.is_systemd = False


@fault("kernel-too-old", "a kernel of the year 2012", "kernel.too-old")
def kernel_too_old(world: World) -> None:
    world.host.overmounts["/proc/sys/kernel/osrelease"] = "3.2.0-4-amd64\n"


@fault("cgroup-without-memory", "the boot line turns the memory controller off", "cgroup.controller-missing")
def cgroup_without_memory(world: World) -> None:
    world.host.controllers = "cpuset cpu io pids"
    world.host.overmounts["/proc/cmdline"] = "console=serial0,115200 root=PARTUUID=1 cgroup_disable=memory rootwait\n"
    world.host.overmounts["/proc/cgroups"] = CGROUPS.replace("memory\t0\t60\t1", "memory\t0\t1\t0")


@fault("selinux-enforcing", "SELinux is enforcing", "selinux.enforcing")
def selinux_enforcing(world: World) -> None:
    world.host.overmounts["/sys/fs/selinux/enforce"] = "1"
    world.host.programs["/usr/sbin/getenforce"] = "#!/bin/sh\necho Enforcing\n"
    world.host.files["/etc/selinux/config"] = "SELINUX=enforcing\nSELINUXTYPE=targeted\n"


@fault("memory-low", "the server has 192 MiB of memory", "memory.low")
def memory_low(world: World) -> None:
    world.host.overmounts["/proc/meminfo"] = MEMINFO.format(total=192 << 10, free=96 << 10)


@fault("disk-low", "the file system for Docker's images has 64 MiB", "disk.low")
def disk_low(world: World) -> None:
    world.host.tmpfs["/var/lib/docker"] = 64 * MIB


@fault("disk-full", "the file system of /var is full", "disk.low")
def disk_full(world: World) -> None:
    world.host.tmpfs["/var/lib"] = 2048 * MIB
    world.host.filled["/var/lib/old-backups.tar"] = 2040 * MIB


@fault("machine-id-volatile", "the machine-id is made anew at each boot", "identity.volatile")
def machine_id_volatile(world: World) -> None:
    world.host.overmounts["/etc/machine-id"] = "0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b\n"


@fault("port-51678-taken", "a web server holds the port of the agent's introspection", "ports.taken")
def port_51678_taken(world: World) -> None:
    world.host.daemons.append(Daemon("/usr/sbin/nginx", listens=[("0.0.0.0", 51678)], serves="webserver"))


@fault("port-51679-taken", "a program holds the port of the task credentials", "ports.taken")
def port_51679_taken(world: World) -> None:
    world.host.daemons.append(Daemon("/opt/plc/gateway", listens=[("127.0.0.1", 51679)]))


@fault(
    "agent-by-hand", "somebody started the agent's container by hand, and no service of it is installed", "ports.taken"
)
def agent_by_hand(world: World) -> None:
    agent = Daemon("/agent", listens=[("0.0.0.0", 51678), ("127.0.0.1", 51679)], serves="introspection")
    agent.state = {"/v1/metadata": {"Cluster": "plant-7", "ContainerInstanceArn": None, "Version": "v1.105.1"}}
    world.host.daemons.append(agent)


@fault("ports-not-reserved", "a registered host may give the agent's ports away", "ports.not-reserved")
def ports_not_reserved(world: World) -> None:
    register(world)
    world.host.sysctls["net/ipv4/ip_local_reserved_ports"] = "\n"


@fault("ec2-role", "the host is an EC2 instance with a role", "credentials.ec2-role")
def ec2_role(world: World) -> None:
    world.metadata = "ec2"


@fault("ec2-role-token", "an EC2 instance whose metadata service wants a session token", "credentials.ec2-role")
def ec2_role_token(world: World) -> None:
    world.metadata = "ec2-token"


@fault("azure-metadata", "the host is a virtual machine of Azure", "credentials.foreign-metadata")
def azure_metadata(world: World) -> None:
    world.metadata = "azure"


@fault("gcp-metadata", "the host is a virtual machine of Google Cloud", "credentials.foreign-metadata")
def gcp_metadata(world: World) -> None:
    world.metadata = "gcp"


@fault("openstack-metadata", "the host is a virtual machine of an OpenStack cloud", "credentials.foreign-metadata")
def openstack_metadata(world: World) -> None:
    world.metadata = "openstack"


@fault("static-keys", "root's default profile holds keys of an administrator", "credentials.static")
def static_keys(world: World) -> None:
    keys = "aws_access_key_id = AKIAEXAMPLEEXAMPLE\naws_secret_access_key = example\n"
    world.host.files["/root/.aws/credentials"] = f"[default]\n{keys}"
    world.host.modes["/root/.aws/credentials"] = 0o600


@fault("static-keys-environment", "ecs.config of a registered host holds access keys", "credentials.static")
def static_keys_environment(world: World) -> None:
    register(world)
    keys = "AWS_ACCESS_KEY_ID=AKIAEXAMPLEEXAMPLE\nAWS_SECRET_ACCESS_KEY=example\n"
    world.host.files["/etc/ecs/ecs.config"] = f"ECS_CLUSTER=plant-7\n{keys}"


@fault("log-full", "the file system of /var/log is full on a registered host", "disk.low")
def log_full(world: World) -> None:
    register(world)
    world.host.tmpfs["/var/log"] = 8 * MIB
    world.host.filled["/var/log/messages.1"] = 7 * MIB + 256 * 1024


@fault("ssm-state-full", "the file system of the SSM agent's state is full", "disk.low")
def ssm_state_full(world: World) -> None:
    register(world)
    world.host.tmpfs["/var/lib/amazon"] = 8 * MIB
    world.host.filled["/var/lib/amazon/core.dump"] = 7 * MIB + 256 * 1024


@variation("log-small", "logs on a small file system of their own, with room")
def log_small(world: World) -> None:
    register(world)
    world.host.tmpfs["/var/log"] = 64 * MIB
