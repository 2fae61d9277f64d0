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
name, path = sys.argv[1], (sys.argv[2:] or ["/"])[0]
started, far = time.monotonic(), {"stage": "resolve"}
try:
    found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    far |= {"stage": "connect", "addresses": [one[4][0] for one in found]}
    raw = socket.create_connection((found[0][4][0], 443), 2)
    far["stage"] = "tls"
    tls = ssl.create_default_context().wrap_socket(raw, server_hostname=name)
    far |= {"stage": "http", "version": tls.version()}
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    far |= {"answer": tls.recv(65536).decode(), "stage": "done"}
except Exception as error:
    far["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(far | {"seconds": time.monotonic() - started}))
"""


def look(region: Region, name: str = SSM, path: str = "/") -> dict[str, str]:
    """How far a plain client on the host comes."""
    patience = {"RES_OPTIONS": "timeout:1 attempts:2"}
    done = region.run([sys.executable, "-IS", "-c", CLIENT, name, path], patience, timeout=30)
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


@pytest.mark.parametrize("name", CHANNELS)
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
}


@pytest.mark.parametrize("name", SEEN)
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


PROXY = {
    "proxy": (0, "404"),
    "proxy-with-password": (0, "404"),
    "proxy-407": (56, "000"),
    "proxy-dead": (7, "000"),
    "proxy-silent": (28, "000"),
}


@pytest.mark.parametrize("name", PROXY)
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


def test_two_faults_at_once() -> None:
    with Region(["name-hidden", "endpoint-refused"]) as region:
        assert look(region, "ssmmessages.us-east-1.amazonaws.com")["stage"] == "resolve"
        assert look(region, "ecs.us-east-1.amazonaws.com")["stage"] == "connect"
        assert region.expected == {"dns.names-hidden", "egress.endpoint-blocked"}


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


def test_without_root_it_is_one_line() -> None:
    argv = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        sys.executable,
        "-m",
        "tests.region",
        "--",
        "id",
    ]
    done = subprocess.run(argv, text=True, capture_output=True, env={"PATH": os.environ["PATH"]})
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
    assert min(up for up, _ in times) < 0.6 and min(down for _, down in times) < 0.3, times
