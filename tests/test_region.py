"""The embedded region itself: healthy answers, each fault visible as such to plain clients, nothing left behind.

The clients are curl, getent and a few lines of Python, never the product: what is tested here is the test bed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.region import Options, Region, RegionError
from tests.region.faults import TABLE, UnknownFault, find, table
from tests.support.pace import within
from tests.support.sample import spread
from tests.support.unprivileged import NOBODY, python, readable_copy

pytestmark = [
    pytest.mark.region,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]
NETNS = Path("/run/netns")
SSM = "ssm.us-east-1.amazonaws.com"
CHANNELS = [f"ecs-{kind}-{number}.us-east-1.amazonaws.com" for kind in "at" for number in (1, 4)]

# Resolves, connects, shakes hands, asks: prints how far it came as JSON.
CLIENT = r"""
import json, socket, ssl, sys, time
name, path, mss, sni, idle = sys.argv[1:]
started, far = time.monotonic(), {"stage": "resolve"}
try:
    found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    far |= {"stage": "connect", "addresses": [one[4][0] for one in found]}
    raw = socket.socket(found[0][0])
    raw.settimeout(2)
    if int(mss):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, int(mss))
    raw.connect(found[0][4])
    far["stage"] = "tls"
    context = ssl.create_default_context()
    context.check_hostname = not sni
    tls = context.wrap_socket(raw, server_hostname=sni or name)
    time.sleep(float(idle))
    far |= {"stage": "http", "version": tls.version()}
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    far |= {"answer": tls.recv(65536).decode(), "stage": "done"}
except Exception as error:
    far["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(far | {"seconds": time.monotonic() - started}))
"""


def look(
    region: Region, name: str = SSM, path: str = "/", *, mss: int = 0, sni: str = "", idle: float = 0
) -> dict[str, str]:
    """How far a plain client on the host comes."""
    patience = {"RES_OPTIONS": "timeout:1 attempts:2"}
    argv = [sys.executable, "-IS", "-c", CLIENT, name, path, str(mss), sni, str(idle)]
    done = region.run(argv, patience, timeout=30)
    assert done.returncode == 0, done.stderr
    seen: dict[str, str] = json.loads(done.stdout)
    return seen


def leftovers() -> list[str]:
    """Namespaces of this process."""
    return [one.name for one in NETNS.glob(f"any{os.getpid()}*")] if NETNS.exists() else []


# --- healthy ----------------------------------------------------------------------------------------------------


def test_every_core_name_is_answered_as_aws_does() -> None:
    with Region() as region:
        for name in ("ecs", "ssm", "ssmmessages", "ec2messages", "s3", "logs"):
            seen = look(region, f"{name}.us-east-1.amazonaws.com")
            assert seen["stage"] == "done", (name, seen)
            head = seen["answer"]
            assert head.split()[1] in ("400", "403", "404") and "\r\nDate: " in head and "x-amzn-RequestId" in head


def test_curl_verifies_the_chain_to_amazon() -> None:
    with Region() as region:
        done = region.run(["curl", "-sv", "--max-time", "5", f"https://{SSM}/"])
    assert "SSL certificate verify ok" in done.stderr and "O=Amazon" in done.stderr.replace("O = ", "O=")


@pytest.mark.parametrize("name", spread(CHANNELS, 2))
def test_shards_refuse_an_unsigned_upgrade(name: str) -> None:
    with Region() as region:
        argv = ["curl", "-si", "--http1.1", "--max-time", "5", f"https://{name}/ws"]
        argv += ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket"]
        done = region.run(
            [*argv, "-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        )
    assert done.stdout.startswith("HTTP/1.1 403"), done.stdout


def test_what_aws_does_not_name_does_not_exist() -> None:
    with Region() as region:
        for name in ("ecs-a-5.us-east-1.amazonaws.com", "q7x.us-east-1.amazonaws.com", "ssm.eu-west-1.amazonaws.com"):
            assert look(region, name)["stage"] == "resolve"


def test_a_large_answer_time_is_kept() -> None:
    with Region(options=Options(delay=0.4)) as region:
        assert 0.4 <= float(look(region)["seconds"]) < 0.9


# --- the host ---------------------------------------------------------------------------------------------------


def test_the_host_is_a_bare_debian_server() -> None:
    script = (
        "cat /etc/os-release /proc/1/comm; test -d /run/systemd/system && cat /sys/fs/cgroup/cgroup.controllers; env"
    )
    with Region() as region:
        done = region.run(["sh", "-c", script], env={"EXTRA": "yes"})
        assert region.run(["sh", "-c", "command -v docker || ls /etc/ecs /var/lib/amazon"]).returncode != 0
    assert "ID=debian" in done.stdout and "systemd\n" in done.stdout and " memory " in done.stdout
    variables = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert "EXTRA" in variables and not variables & {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "https_proxy"}


def test_the_command_writes_its_results_for_real_and_the_system_only_in_the_region(tmp_path: Path) -> None:
    with Region() as region:
        done = region.run(["sh", "-c", f"echo result > {tmp_path}/out; echo changed > /etc/region-was-here"])
        assert done.returncode == 0
    assert (tmp_path / "out").read_text() == "result\n"
    assert not Path("/etc/region-was-here").exists()


def test_the_exit_code_and_the_streams_pass_through() -> None:
    argv = [sys.executable, "-m", "tests.region", "--", "sh", "-c", "cat; echo bad >&2; exit 41"]
    done = subprocess.run(argv, input="line\n", text=True, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (41, "line\n", "bad\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_death_by_a_signal_passes_through(number: int) -> None:
    with Region() as region:
        assert region.run(["sh", "-c", f"kill -{int(number)} $$"]).returncode == -number
        assert region.call(["sh", "-c", f"kill -{int(number)} $$"]) == 128 + number


def test_a_command_that_is_not_there_is_127() -> None:
    with Region() as region:
        done = region.run(["no-such-program"])
    assert done.returncode == 127 and "no-such-program" in done.stderr


def test_processes_of_this_machine_are_not_seen() -> None:
    with Region() as region:
        done = region.run(["sh", "-c", "ls -d /proc/[0-9]*"])
    assert len(done.stdout.split()) <= 3


# --- the first faults, as plain clients see them ------------------------------------------------------------------

SEEN = {
    "no-nameserver": ("resolve", "gaierror"),
    "dead-nameserver": ("resolve", "gaierror"),
    "nameserver-port-closed": ("resolve", "gaierror"),
    "names-hidden": ("resolve", "not known"),
    "egress-dropped": ("connect", "timed out"),
    "egress-refused": ("connect", "ConnectionRefusedError"),
    "egress-prohibited": ("connect", "No route to host"),
    "no-default-route": ("connect", "Network is unreachable"),
    "silent-servers": ("tls", "timed out"),
    "inspected": ("tls", "unable to get local issuer"),
    "inspected-trusted": ("done", ""),
    "wrong-name": ("tls", "Hostname mismatch"),
    "expired": ("tls", "certificate has expired"),
    "plain-http": ("tls", "WRONG_VERSION_NUMBER"),
    "clock-years-behind": ("tls", "not yet valid"),
    "clock-years-ahead": ("tls", "has expired"),
    "proxy-not-set": ("connect", "timed out"),
    "resolv-conf-empty": ("resolve", "gaierror"),
    "dns-dropped": ("resolve", "gaierror"),
    "servfail": ("resolve", "gaierror"),
    "dns-refused": ("resolve", "gaierror"),
    "servfail-for-aws": ("resolve", "gaierror"),
    "tcp-needed-and-closed": ("resolve", "gaierror"),
    "sinkhole-zero": ("connect", "refused"),
    "answers-dropped": ("connect", "timed out"),
    "answers-lost": ("tls", "timed out"),
    "path-mtu": ("tls", "timed out"),
    "path-mtu-ipv6": ("tls", "timed out"),
    "sni-reset": ("tls", "Connection reset"),
    "sni-stall": ("tls", "timed out"),
    "chain-incomplete": ("tls", "unable to get local issuer"),
    "inspected-some": ("tls", "unable to get local issuer"),
    "trust-store-missing": ("tls", "unable to get local issuer"),
    "trust-store-empty": ("tls", "unable to get local issuer"),
    "old-version": ("tls", "SSLError"),  # OpenSSL's words for it differ between 3.0 and 3.5
    "docker-over-nameserver": ("resolve", "gaierror"),
}


@pytest.mark.parametrize("name", spread(SEEN, 3))
def test_a_fault_shows_at_its_step(name: str) -> None:
    stage, words = SEEN[name]
    with Region([name]) as region:
        seen = look(region)
    assert seen["stage"] == stage and words in seen.get("error", ""), seen


@pytest.mark.parametrize(
    ("fault", "hit", "spared"),
    [
        ("name-hidden", "ssmmessages", "ssm"),
        ("shards-a-hidden", "ecs-a-1", "ecs-t-1"),
        ("shards-t-hidden", "ecs-t-2", "ecs-a-2"),
        ("endpoint-dropped", "ssmmessages", "ssm"),
        ("endpoint-refused", "ecs", "ssm"),
    ],
)
def test_a_fault_hits_only_its_names(fault: str, hit: str, spared: str) -> None:
    with Region([fault]) as region:
        assert look(region, f"{hit}.us-east-1.amazonaws.com")["stage"] in ("resolve", "connect")
        assert look(region, f"{spared}.us-east-1.amazonaws.com")["stage"] == "done"


@pytest.mark.parametrize("name", ["first-nameserver-dead", "second-nameserver-dead"])
def test_one_of_two_nameservers_is_enough(name: str) -> None:
    with Region([name]) as region:
        assert look(region)["stage"] == "done"


@pytest.mark.parametrize(("name", "offset"), [("clock-behind", 900), ("clock-ahead", -900), ("clock-drifting", 120)])
def test_the_region_moves_in_time(name: str, offset: int) -> None:
    from email.utils import parsedate_to_datetime

    with Region([name]) as region:
        seen = look(region)
    date = parsedate_to_datetime(seen["answer"].partition("\r\nDate: ")[2].partition("\r\n")[0])
    assert abs(date.timestamp() - time.time() - offset) < 5


def test_small_segments_pass_where_large_ones_vanish() -> None:
    for fault in ("path-mtu", "path-mtu-ipv6"):
        with Region([fault]) as region:
            assert look(region, mss=900)["stage"] == "done"


def test_a_narrow_path_that_tells_is_no_fault() -> None:
    with Region(variations=["narrow-but-told"]) as region:
        assert look(region)["stage"] == "done"


@pytest.mark.parametrize("fault", ["sni-reset", "sni-stall"])
def test_a_filter_minds_the_name_and_nothing_else(fault: str) -> None:
    with Region([fault]) as region:
        assert look(region, sni="www.example.com")["stage"] == "done"


def test_private_names_have_private_addresses() -> None:
    with Region(variations=["all-private"]) as region:
        seen = look(region)
    assert seen["stage"] == "done" and seen["addresses"][0].startswith("10.")


def test_truncated_answers_come_whole_over_tcp() -> None:
    with Region(variations=["truncated-but-tcp-works"]) as region:
        assert look(region)["stage"] == "done"


def test_truncated_answers_hang_where_tcp_is_dropped() -> None:
    with Region(["tcp-needed-and-blocked"]) as region:
        assert region.run(["timeout", "2", "getent", "hosts", SSM]).returncode == 124
        assert region.run(["timeout", "2", "getent", "hosts", "logs.us-east-1.amazonaws.com"]).returncode == 0


def test_made_up_names_resolve_where_answers_are_forged() -> None:
    for fault in ("nxdomain-rewritten", "dns-portal"):
        with Region([fault]) as region:
            assert look(region, "q7x.us-east-1.amazonaws.com")["stage"] == "tls"
            assert look(region)["stage"] == ("done" if fault == "nxdomain-rewritten" else "tls")


@pytest.mark.parametrize(("fault", "stage"), [("hosts-pin-working", "done"), ("hosts-pin-stale", "connect")])
def test_the_hosts_file_wins(fault: str, stage: str) -> None:
    name = {"done": SSM, "connect": "ecs.us-east-1.amazonaws.com"}[stage]
    with Region([fault]) as region:
        assert region.run(["grep", "-c", name, "/etc/hosts"]).stdout == "1\n"
        assert look(region, name)["stage"] == stage


def test_ipv6_of_a_dual_stack_host() -> None:
    argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "2", f"https://{SSM}/"]
    for name, six in (("dual-stack", "404"), ("ipv6-dropped", "000"), ("ipv6-refused", "000")):
        with Region([name]) as region:
            assert region.run([*argv, "-4"]).stdout == "404"
            assert region.run([*argv, "-6"]).stdout == six


def test_a_host_with_ipv6_alone() -> None:
    with Region(variations=["ipv6-only"]) as region:
        assert ":" in look(region)["addresses"][0]
        assert "inet 10." not in region.run(["ip", "-4", "address"]).stdout


def test_a_device_that_offers_ecdsa_below_tls_13() -> None:
    argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "https://ecs.us-east-1.amazonaws.com/"]
    with Region(["ecdsa-below-1.3"]) as region:
        assert region.run(argv).stdout == "404"
        assert region.run([*argv, "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"]).stdout == "000"


@pytest.mark.parametrize("fault", ["upgrade-502", "upgrade-page", "upgrade-redirected", "upgrade-accepted"])
def test_upgrades(fault: str) -> None:
    status = {"upgrade-502": "502", "upgrade-page": "200", "upgrade-redirected": "302", "upgrade-accepted": "101"}[
        fault
    ]
    argv = ["curl", "-si", "--http1.1", "--max-time", "1", f"https://{CHANNELS[0]}/ws", "-H", "Connection: Upgrade"]
    argv += ["-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    with Region([fault]) as region:
        answer = region.run(argv).stdout
    assert answer.split()[1] == status
    assert (fault != "upgrade-accepted") or "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer  # RFC 6455, section 1.3


@pytest.mark.parametrize("fault", ["idle-cut", "idle-reset", "idle-forgotten"])
def test_quiet_connections_are_cut(fault: str) -> None:
    with Region([fault]) as region:
        assert look(region)["stage"] == "done"
        seen = look(region, idle=2.5)
        assert not seen.get("answer"), seen


PROXY = {
    "proxy": (0, "404"),
    "proxy-with-password": (0, "404"),
    "proxy-407": (56, "000"),
    "proxy-dead": (7, "000"),
    "proxy-silent": (28, "000"),
}


@pytest.mark.parametrize("name", spread(PROXY, 3))
def test_curl_through_the_proxy(name: str) -> None:
    argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "3", f"https://{SSM}/"]
    with Region([name]) as region:
        done = region.run(argv)
    assert (done.returncode, done.stdout) == PROXY[name], done.stderr


def test_the_proxy_denies_one_name_only() -> None:
    argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_connect}", "--max-time", "3"]
    with Region(["proxy-denies-name"]) as region:
        assert region.run([*argv, "https://ssmmessages.us-east-1.amazonaws.com/"]).stdout == "403"
        assert region.run([*argv, f"https://{SSM}/"]).stdout == "200"


@pytest.mark.parametrize("name", ["proxy", "proxy-with-password", "proxy-407"])
def test_squid_is_the_same_proxy(name: str) -> None:
    argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_connect}", "--max-time", "5", f"https://{SSM}/"]
    with Region([name], options=Options(proxy="squid")) as region:
        assert region.run(argv).stdout == ("407" if name == "proxy-407" else "200")


@pytest.mark.parametrize("name", ["proxy-scheme-https", "proxy-scheme-http", "proxy-error", "proxy-name-unknown"])
def test_a_proxy_that_is_not_what_its_url_says(name: str) -> None:
    with Region([name]) as region:
        assert region.run(["curl", "-s", "--max-time", "3", f"https://{SSM}/"]).returncode != 0


def test_two_faults_at_once() -> None:
    with Region(["name-hidden", "endpoint-refused"]) as region:
        assert look(region, "ssmmessages.us-east-1.amazonaws.com")["stage"] == "resolve"
        assert look(region, "ecs.us-east-1.amazonaws.com")["stage"] == "connect"
        assert region.expected == {"dns.names-hidden", "egress.endpoint-blocked"}


# --- the host's own faults and what is installed on it ---------------------------------------------------------------


def shell(region: Region, script: str) -> str:
    """The output of a script on the host."""
    return region.run(["sh", "-c", script]).stdout


@pytest.mark.parametrize(
    ("fault", "script", "wanted"),
    [
        ("os-end-of-life", ". /etc/os-release; echo $ID $VERSION_ID", "debian 10"),
        ("os-unknown", "cat /etc/os-release /usr/lib/os-release", ""),
        ("no-systemd", "ls -d /run/systemd/system; cat /proc/1/comm", "init"),
        ("arch-32-bit", "uname -m", "armv7l"),
        ("kernel-too-old", "cat /proc/sys/kernel/osrelease", "3.2.0-4-amd64"),
        ("cgroup-without-memory", "cat /sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids"),
        ("selinux-enforcing", "cat /sys/fs/selinux/enforce", "1"),
        ("memory-low", "awk '/MemTotal/ {print $2}' /proc/meminfo", str(192 << 10)),
        ("disk-low", "df --output=size -m /var/lib/docker | tail -1", "64"),
        ("disk-full", "df --output=avail -m /var/lib | tail -1", "8"),
        ("machine-id-volatile", "findmnt -no FSTYPE /etc/machine-id", "tmpfs"),
        ("port-51678-taken", "ss -Hltnp sport = :51678 | grep -o '(\"[a-z]*'", '("nginx'),
        (
            "docker-stopped",
            "docker version --format '{{.Client.Version}}'; systemctl is-active docker",
            "27.5.1\ninactive",
        ),
        ("docker-snap", "readlink -f $(command -v docker)", "/usr/bin/snap"),
        ("podman-shim", "docker version 2>&1 | head -c 14", "Emulate Docker"),
        ("two-ssm-agents", "systemctl show -P LoadState snap.amazon-ssm-agent.amazon-ssm-agent", "loaded"),
        ("agent-loops", "systemctl show -P NRestarts ecs", "214"),
        ("rules-duplicate", "iptables-save -t nat | grep -c 51679", "4"),
        ("rules-wrong-backend", "iptables-legacy-save -t nat | grep -c 51679", "2"),
        (
            "proxy-not-for-docker",
            "systemctl show -P Environment docker; systemctl show -P Environment ecs | wc -w",
            "6",
        ),
        ("ports-not-reserved", "cat /proc/sys/net/ipv4/ip_local_reserved_ports", ""),
        ("ec2-role", "curl -s 169.254.169.254/latest/meta-data/iam/security-credentials/", "web-server-role"),
        ("ec2-role-token", "curl -s -o /dev/null -w '%{http_code}' 169.254.169.254/latest/meta-data/", "401"),
        ("azure-metadata", "curl -s -H Metadata:true 169.254.169.254/metadata/instance | head -c 11", '{"compute":'),
        ("plain", "curl -s --max-time 1 169.254.169.254; echo $?", "28"),
    ],
)
def test_what_a_fault_does_to_the_host(fault: str, script: str, wanted: str) -> None:
    with Region([fault]) as region:
        assert shell(region, script).strip() == wanted


def test_a_registered_host() -> None:
    with Region(variations=["registered"]) as region:
        assert json.loads(shell(region, "curl -s localhost:51678/v1/metadata"))["ContainerInstanceArn"]
        assert shell(region, "systemctl is-active docker ecs amazon-ssm-agent").split() == ["active"] * 3
        names = set(shell(region, "ps -eo comm=").split())
        assert {"dockerd", "agent", "amazon-ssm-agen", "amazon-ecs-init"} <= names
        assert "amazon-ecs-init 1.105.1-1" in shell(
            region, "dpkg-query -W -f '${Package} ${Version}\n' amazon-ecs-init"
        )
        owners = shell(region, "ss -Hltnp sport = :51678")
        assert '"agent"' in owners and "systemd" not in owners


@pytest.mark.docker
@pytest.mark.skipif(
    not Path("/usr/local/bin/docker").exists() and not Path("/usr/bin/docker").exists(), reason="no docker"
)
def test_the_real_docker_client_is_content_with_the_engine(tmp_path: Path) -> None:
    real = next(path for path in ("/usr/local/bin/docker", "/usr/bin/docker") if Path(path).exists())
    copy = tmp_path / "real-docker"
    copy.write_bytes(Path(real).read_bytes())
    copy.chmod(0o755)
    with Region(variations=["registered"]) as region:
        for words in ("version --format {{.Server.Version}}", "info --format {{.DockerRootDir}}", "network ls -q"):
            argv = ["-H", "unix:///run/docker.sock", *words.split()]
            done = region.run([str(copy), *argv])
            assert done.returncode == 0 and done.stdout == region.run(["docker", *words.split()]).stdout, done.stderr


# --- options ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolver", ["dnsmasq", "unbound"])
@pytest.mark.parametrize("fault", [None, "name-hidden"])
def test_other_resolver_programs_answer_the_same(resolver: str, fault: str | None) -> None:
    with Region([fault] if fault else [], options=Options(resolver=resolver)) as region:
        assert look(region)["stage"] == "done"
        assert look(region, "q7x.us-east-1.amazonaws.com")["stage"] == "resolve"
        seen = look(region, "ssmmessages.us-east-1.amazonaws.com")
        assert seen["stage"] == ("resolve" if fault else "done"), seen


def test_everything_can_have_other_addresses_and_names() -> None:
    options = Options(
        regions=("eu-south-2",), site="172.30.0.0/16", public="198.18.7.0/24", ca="Amazon Root CA 3", hostname="kiosk"
    )
    with Region(options=options) as region:
        seen = look(region, "ssm.eu-south-2.amazonaws.com")
        assert seen["stage"] == "done" and seen["addresses"][0].startswith("198.18.7.")
        assert region.run(["hostname"]).stdout == "kiosk\n"


@pytest.mark.parametrize(
    ("region_name", "suffix"), [("cn-north-1", "amazonaws.com.cn"), ("us-gov-west-1", "amazonaws.com")]
)
def test_partitions(region_name: str, suffix: str) -> None:
    with Region(options=Options(regions=(region_name,))) as region:
        assert look(region, f"ecs-a-1.{region_name}.{suffix}", "/ws")["stage"] == "done"


# --- the table and its errors -------------------------------------------------------------------------------------


def test_every_fault_builds_a_world() -> None:
    for name in table():
        Region([name])


def test_names_and_descriptions_are_in_order() -> None:
    for name, one in table().items():
        assert name == name.lower() and " " not in name and one.description and not one.description.endswith(".")
        assert one.name == name and TABLE[name] is one


def test_an_unknown_fault_names_the_near_misses() -> None:
    with pytest.raises(UnknownFault, match="egress-dropped"):
        find("egress-droped")


@pytest.mark.parametrize(
    "words",
    [
        ["--fault", "nonsense"],
        ["--resolver", "bind"],
        ["--site", "10.0.0.0/30"],
        ["--region", "Not A"],
        ["--public", "x"],
    ],
)
def test_wrong_use_is_exit_2_with_one_line(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "tests.region", *words, "--", "true"], text=True, capture_output=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr


def test_no_command_is_a_usage_error() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.region", "--"], text=True, capture_output=True)
    assert done.returncode == 2 and "no command" in done.stderr


def test_without_root_it_is_one_line(room: Path) -> None:
    environment = readable_copy(room, "anywhere", "tests")
    argv = [*NOBODY, python(), "-m", "tests.region", "--", "id"]
    done = subprocess.run(argv, text=True, capture_output=True, env=environment, cwd=room)
    assert done.returncode == 2 and "root" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_region_that_can_not_come_up_says_why() -> None:
    region = Region()
    region.world.router.forward.append("this is no rule")
    with pytest.raises(RegionError, match="nft"):
        region.__enter__()
    assert not leftovers()


# --- nothing stays ------------------------------------------------------------------------------------------------


def test_nothing_stays_after_the_end() -> None:
    with Region() as region:
        assert len(leftovers()) == 3
        sleeper = region.popen(["sleep", "60"])
    assert not leftovers() and sleeper.wait(5) != 0


def start_sleeper() -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.region", "--", "sh", "-c", "echo up; exec sleep 61.7"]
    runner = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert runner.stdout and runner.stdout.readline() == "up\n"
    assert list(NETNS.glob(f"any{runner.pid}-*"))
    return runner


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nothing_stays_after_the_runner_was_killed(number: int) -> None:
    runner = start_sleeper()
    runner.send_signal(number)
    assert runner.wait(10) != 0
    assert runner.stdout
    runner.stdout.close()
    _gone(runner.pid)


def test_ctrl_c_ends_the_command_and_the_region() -> None:
    runner = start_sleeper()
    os.killpg(runner.pid, signal.SIGINT)
    assert runner.wait(10) == 130
    assert runner.stdout
    runner.stdout.close()
    _gone(runner.pid)


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        listed = subprocess.run(["ps", "-eo", "args"], text=True, capture_output=True).stdout
        if not list(NETNS.glob(f"any{pid}-*")) and "sleep 61.7" not in listed:
            return
        time.sleep(0.05)
    pytest.fail(f"left: {list(NETNS.glob(f'any{pid}-*'))}")


@pytest.mark.parametrize("kill", [False, True])
def test_other_programs_end_with_the_region(kill: bool) -> None:
    import psutil

    region = Region(["proxy-with-password"], options=Options(proxy="squid", resolver="unbound"))
    with region:
        assert region.machine_pid
        machine = psutil.Process(region.machine_pid)
        family = [machine, *machine.children(recursive=True)]
        names = {process.name() for process in family}
        assert {"squid", "unbound"} <= names
        if kill:
            machine.kill()
    _, alive = psutil.wait_procs(family, 5)
    assert [one.name() for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


def test_what_a_killed_machine_left_is_swept_at_the_next_start() -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    subprocess.run(["ip", "netns", "add", f"any{dead.pid}-host"], check=True)
    with Region():
        pass
    assert not (NETNS / f"any{dead.pid}-host").exists()


def test_it_is_up_and_down_quickly() -> None:
    times = []
    for _ in range(3):
        started = time.monotonic()
        with Region():
            up = time.monotonic()
        times.append((up - started, time.monotonic() - up))
    assert min(up for up, _ in times) < within(0.6) and min(down for _, down in times) < within(0.3), times


def test_the_introspection_closes_after_an_answer_to_an_old_client() -> None:
    script = "exec 3<>/dev/tcp/127.0.0.1/51678; printf 'GET /v1/metadata HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 cat <&3"
    with Region(variations=["registered"]) as region:
        done = region.run(["bash", "-c", script])
    assert done.returncode == 0 and "ContainerInstanceArn" in done.stdout


def test_the_rules_of_a_registered_host_are_applied_verified_and_reverted() -> None:
    anywhere = [sys.executable, "-m", "anywhere", "rules"]
    with Region(variations=["registered"]) as region:
        assert region.run([*anywhere, "apply"]).returncode == 0
        verified = region.run([*anywhere, "verify"])
        assert verified.returncode == 0, verified.stdout
        assert region.run([*anywhere, "revert"]).returncode == 0
        assert region.run([*anywhere, "verify"]).returncode == 1
